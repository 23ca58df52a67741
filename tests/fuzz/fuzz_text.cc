// Any bytes into a line, a header and a cut: safe, and never longer than allowed.
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/text.h"

using namespace mailorigin;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  std::string line;
  append_one_line(line, input);
  for (std::string_view rest = line; !rest.empty(); rest.remove_prefix(utf8_character(rest))) {
    if (utf8_character(rest) == 0 || static_cast<unsigned char>(rest[0]) < ' ') std::abort();
    // U+202A to U+202E and U+2066 to U+2069: none may turn the line.
    if (rest.starts_with("\xe2\x80") && rest[2] >= '\xa8' && rest[2] <= '\xae') std::abort();
    if (rest.starts_with("\xe2\x81") && rest[2] >= '\xa6' && rest[2] <= '\xa9') std::abort();
  }
  const std::string header = header_value(input);
  if (header.size() > 900) std::abort();
  for (const char character : header) {
    if (character < ' ' || character > '~') std::abort();
  }
  for (const std::size_t limit : {0U, 1U, 2U, 3U, 4U, 7U, 100U}) {
    if (cut(input, limit).size() > limit) std::abort();
  }
  return 0;
}
