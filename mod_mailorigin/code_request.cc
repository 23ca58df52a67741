#include "mod_mailorigin/code_request.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/text.h"

namespace mailorigin::httpd {

namespace {

constexpr std::string_view proxy_prefix = "proxy:";
constexpr std::string_view unix_prefix = "unix:";

// What mod_proxy can speak to without an environment.
constexpr std::string_view web_schemes[] = {"http", "https", "ws",  "wss",
                                            "h2",   "h2c",   "ftp", "ajp"};
constexpr std::string_view program_handlers[] = {"cgi-script", "application/x-httpd-cgi",
                                                 "fcgid-script"};
constexpr std::string_view inside_handlers[] = {"application/x-httpd-php", "php-script"};

template <class Range>
bool contains(const Range& range, std::string_view text) {
  return std::find(std::begin(range), std::end(range), text) != std::end(range);
}

bool starts_with_any_case(std::string_view text, std::string_view prefix) {
  return equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

// "fcgi://host/path" of "unix:/path|fcgi://host/path".
std::string_view without_socket(std::string_view url) {
  if (starts_with_any_case(url, unix_prefix)) {
    if (const auto bar = url.find('|'); bar != std::string_view::npos) return url.substr(bar + 1);
  }
  return url;
}

CodeRunner runner_behind(std::string_view url) {
  url = without_socket(url);
  const std::string_view scheme = url.substr(0, url.find(':'));
  const bool web =
      std::any_of(std::begin(web_schemes), std::end(web_schemes),
                  [&](std::string_view other) { return equal_ignoring_case(scheme, other); });
  return web ? CodeRunner::none : CodeRunner::backend;
}

// "/path" of "fcgi://host:port/path".
std::string_view path_of_url(std::string_view url) {
  url = without_socket(url);
  const auto authority = url.find("://");
  if (authority == std::string_view::npos) return url;
  const auto path = url.find('/', authority + 3);
  if (path == std::string_view::npos) return {};
  url.remove_prefix(path);
  while (url.starts_with("//")) url.remove_prefix(1);
  return url;
}

std::optional<int> hexadecimal(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  const char lower = static_cast<char>(digit | 0x20);
  if (lower >= 'a' && lower <= 'f') return lower - 'a' + 10;
  return std::nullopt;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); i++) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const auto high = hexadecimal(text[i + 1]);
      const auto low = hexadecimal(text[i + 2]);
      if (high && low) {
        out += static_cast<char>(*high * 16 + *low);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

// One script is one name, however many slashes lead to it.
std::string normal_path(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  for (std::size_t i = 0; i < path.size(); i++) {
    const bool after_slash = out.ends_with('/');
    if (after_slash && path[i] == '/') continue;
    if (after_slash && path[i] == '.' && i + 1 < path.size() && path[i + 1] == '/') {
      i++;
      continue;
    }
    out += path[i];
  }
  return out;
}

}  // namespace

bool looks_like_php(std::string_view name) {
  const auto dot = name.rfind('.');
  return dot != std::string_view::npos && starts_with_any_case(name.substr(dot), ".ph");
}

CodeRunner code_runner(std::string_view handler, std::string_view filename) {
  if (handler.starts_with(proxy_prefix)) {
    return runner_behind(handler.substr(proxy_prefix.size()));
  }
  if (handler == "proxy-server") {
    if (!filename.starts_with(proxy_prefix)) return CodeRunner::none;
    return runner_behind(filename.substr(proxy_prefix.size()));
  }
  if (contains(program_handlers, handler)) return CodeRunner::program;
  if (contains(inside_handlers, handler)) return CodeRunner::inside;
  return CodeRunner::none;
}

std::string entry_script(std::string_view filename, std::string_view path_info, bool encoded,
                         const std::function<Found(const std::string&)>& look) {
  if (!filename.starts_with(proxy_prefix)) return normal_path(filename);
  const std::string_view path = path_of_url(filename.substr(proxy_prefix.size()));
  std::string script = encoded ? percent_decoded(path) : std::string(path);
  if (!path_info.empty() && script.size() > path_info.size() && script.ends_with(path_info)) {
    script.resize(script.size() - path_info.size());
    return normal_path(script);
  }
  script = normal_path(script);
  if (look(script) == Found::file) return script;
  std::string first;  // that could be a script
  std::size_t start = 0;
  Found found = Found::directory;
  for (std::size_t slash = script.find('/', 1); slash != std::string::npos;
       start = slash + 1, slash = script.find('/', start)) {
    std::string candidate = script.substr(0, slash);
    // Below what is not there, there is nothing.
    if (found == Found::directory) found = look(candidate);
    if (found == Found::file) return candidate;
    if (first.empty() && looks_like_php(std::string_view(script).substr(start, slash - start))) {
      first = std::move(candidate);
    }
  }
  // In a chroot, on another machine or in a closed directory. The client chooses
  // what follows: one script must not get a new name from it.
  return first.empty() ? script : first;
}

std::string method_of(std::string_view request_line, std::string_view method) {
  const std::string_view asked = request_line.substr(0, request_line.find(' '));
  return std::string(asked.empty() ? method : asked);
}

}  // namespace mailorigin::httpd
