#include "firewall/kept_names.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "core/default_paths.h"
#include "core/fd.h"
#include "core/file.h"
#include "firewall/limits.h"
#include "service/kept_file.h"

namespace mailorigin::firewall {

namespace {

// What stands before the next `separator`, which is taken, too.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view piece = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return piece;
}

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char each) { return each > ' ' && each < '\x7f'; });
}

}  // namespace

std::string names_text(const NameAddresses& names) {
  std::string text;
  for (const auto& [name, addresses] : names) {
    text += name;
    for (std::size_t i = 0; i < std::min(addresses.size(), addresses_per_name); i++) {
      text += " " + ip_address_text(addresses[i]);
    }
    text += '\n';
  }
  return text;
}

Result<NameAddresses> parse_names(std::string_view text) {
  NameAddresses names;
  for (std::size_t number = 1; !text.empty(); number++) {
    const auto fault = [&](const char* what) {
      return Error{"line " + std::to_string(number) + ": " + what};
    };
    std::string_view line = take_until(text, '\n');
    const std::string_view name = take_until(line, ' ');
    if (!is_name(name)) return fault("there is no name");
    std::vector<IpAddress> addresses;
    while (!line.empty()) {
      const auto address = parse_ip_address(take_until(line, ' '));
      if (!address) return fault("this is no address");
      addresses.push_back(*address);
      if (addresses.size() > addresses_per_name) return fault("too many addresses");
    }
    if (addresses.empty()) return fault("there is no address");
    names[std::string(name)] = std::move(addresses);
    if (names.size() > names_limit) return fault("too many names");
  }
  return names;
}

Status save_names(const std::string& state_directory, const NameAddresses& names) {
  return service::replace_file(kept_names(state_directory), names_text(names));
}

Result<NameAddresses> load_names(const std::string& state_directory) {
  const std::string path = kept_names(state_directory);
  const Fd file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT) return NameAddresses();
    return system_error(path, errno);
  }
  const auto text = read_file(file.get(), names_file_limit);
  if (!text) return text.error().context(path);
  auto names = parse_names(*text);
  if (!names) return names.error().context(path);
  return names;
}

}  // namespace mailorigin::firewall
