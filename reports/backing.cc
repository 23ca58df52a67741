#include "reports/backing.h"

#include <sys/stat.h>

#include <filesystem>
#include <string_view>
#include <system_error>

namespace mailorigin::reports {

namespace {

bool is_below(std::string_view path, std::string_view directory) {
  return directory.size() > 1 && path.starts_with(directory) &&
         (directory.ends_with('/') || path.substr(directory.size()).starts_with('/'));
}

}  // namespace

bool is_own_script(const Event& event, const std::string& path) {
  if (!path.starts_with('/')) return false;
  const std::string& docroot = event.get(Field::docroot);
  if (event.has(Field::verified) && !docroot.empty()) {
    std::error_code none;
    const std::string real = std::filesystem::canonical(docroot, none).string();
    if (is_below(path, docroot) || is_below(path, real)) return true;
  }
  struct stat about {};
  return event.has(Field::uid) && lstat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode) &&
         std::to_string(about.st_uid) == event.get(Field::uid);
}

bool is_backed(const Event& event, const std::string& path) {
  const bool is_sealed = event.has(Field::verified) && event.get(Field::entry) == path;
  return is_sealed || is_own_script(event, path);
}

}  // namespace mailorigin::reports
