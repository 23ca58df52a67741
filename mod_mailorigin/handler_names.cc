#include "mod_mailorigin/handler_names.h"

#include <array>
#include <cstddef>

namespace mailorigin::httpd {

namespace {

constexpr std::size_t shortest = 3;
constexpr std::size_t longest = 64;

// Megabytes are read, mod_php's say, at each start: one look-up for a byte.
constexpr std::array<bool, 256> is_of_name = [] {
  std::array<bool, 256> table{};
  for (const char byte : std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789-_.")) {
    table[static_cast<unsigned char>(byte)] = true;
  }
  return table;
}();

}  // namespace

void each_handler_name(std::string_view code, const std::function<void(std::string_view)>& visit) {
  std::size_t begin = 0;
  bool is_name = true;
  for (std::size_t at = 0; at < code.size(); at++) {
    if (code[at] != '\0') {
      is_name = is_name && is_of_name[static_cast<unsigned char>(code[at])];
      continue;
    }
    const std::size_t size = at - begin;
    if (is_name && size >= shortest && size <= longest) visit(code.substr(begin, size));
    begin = at + 1;
    is_name = true;
  }
}

}  // namespace mailorigin::httpd
