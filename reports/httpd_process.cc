#include "reports/httpd_process.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "core/file.h"
#include "core/name_values.h"

namespace mailorigin::reports {

namespace {

constexpr std::size_t pid_file_limit = 64;
constexpr std::size_t children_limit = 1 << 20;  // of text: a hundred thousand children

std::string program_of(const std::string& process) {
  std::error_code fault;
  return std::filesystem::read_symlink(process + "/exe", fault).string();
}

}  // namespace

std::optional<std::uint32_t> httpd_user(const std::string& pid_file) {
  const auto text = read_file(pid_file, pid_file_limit);
  if (!text) return std::nullopt;
  const auto pid = parse_number(text->substr(0, text->find('\n')), UINT32_MAX);
  if (!pid) return std::nullopt;
  const std::string process = "/proc/" + std::to_string(*pid);
  const std::string program = program_of(process);
  const auto children =
      read_file(process + "/task/" + std::to_string(*pid) + "/children", children_limit);
  if (program.empty() || !children) return std::nullopt;

  std::set<std::uint32_t> users;
  for (std::size_t begin = 0; begin < children->size();) {
    const std::size_t end = std::min(children->find(' ', begin), children->size());
    const std::string child = "/proc/" + children->substr(begin, end - begin);
    begin = end + 1;
    struct stat about {};
    // Logs' programs and the daemon are children, too.
    if (program_of(child) == program && stat(child.c_str(), &about) == 0) {
      users.insert(about.st_uid);
    }
  }
  users.erase(0);
  if (users.size() != 1) return std::nullopt;
  return *users.begin();
}

}  // namespace mailorigin::reports
