#include "mod_mailorigin/site_names.h"

#include <cstddef>

#include "core/sha256.h"
#include "core/text.h"

namespace mailorigin::httpd {

namespace {

constexpr std::string_view placeholder_begin = "%{";

// A file's name has 255 bytes at most, for two placeholders and what stands around them. A
// customer's long ServerName must not keep httpd from starting.
constexpr std::size_t longest_name = 120;
constexpr std::size_t kept_of_longer = 48;

bool may_stand(char c, bool begins) {
  if (c == '.') return !begins;
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

std::string file_name_of(std::string_view site) {
  if (site.empty()) return "%";  // which no other name becomes
  std::string name;
  for (const char c : site) {
    if (may_stand(c, name.empty())) {
      name += c;
    } else {
      name += '%';
      append_hex(name, static_cast<unsigned char>(c));
    }
  }
  if (name.size() > longest_name) {
    Sha256 hash;
    hash.add(site);
    name.resize(kept_of_longer);
    name += "%-";  // which no byte becomes
    for (const unsigned char byte : hash.finish()) append_hex(name, byte);
  }
  return name;
}

}  // namespace

Status check_placeholders(std::string_view path) {
  for (std::size_t at = path.find(placeholder_begin); at != std::string_view::npos;
       at = path.find(placeholder_begin, at + 1)) {
    if (!path.substr(at).starts_with(site_placeholder)) {
      return Error{"'" + std::string(path) +
                   "': of all variables a file's name may hold %{site} alone"};
    }
  }
  return Done{};
}

std::string path_of_site(std::string_view path, std::string_view site) {
  std::string made(path);
  const std::string name = file_name_of(site);
  for (std::size_t at = made.find(site_placeholder); at != std::string::npos;
       at = made.find(site_placeholder, at + name.size())) {
    made.replace(at, site_placeholder.size(), name);
  }
  return made;
}

}  // namespace mailorigin::httpd
