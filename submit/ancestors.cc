#include "submit/ancestors.h"

#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "client/inherited_call.h"
#include "core/context.h"
#include "core/file.h"
#include "core/name_values.h"

namespace mailorigin::submit {

namespace {

constexpr int ancestors_limit = 16;
constexpr std::size_t status_limit = 128 << 10;  // with 65,536 groups it would be more
constexpr std::size_t environment_limit = 8 << 20;

// With the rights of whoever started this program: one that runs with a group of its own is
// let look at nobody's environment.
class AsWhoStartedIt {
 public:
  AsWhoStartedIt() : own_(static_cast<gid_t>(setfsgid(getgid()))) {}
  ~AsWhoStartedIt() { setfsgid(own_); }
  AsWhoStartedIt(const AsWhoStartedIt&) = delete;
  AsWhoStartedIt& operator=(const AsWhoStartedIt&) = delete;

 private:
  const gid_t own_;
};

std::optional<pid_t> parent_of(const std::string& process) {
  constexpr std::string_view label = "\nPPid:\t";
  const auto status = read_file(process + "/status", status_limit);
  if (!status) return std::nullopt;
  const std::size_t at = status->find(label);
  if (at == std::string::npos) return std::nullopt;
  const std::string_view rest = std::string_view(*status).substr(at + label.size());
  const auto number = parse_number(rest.substr(0, rest.find('\n')), INT32_MAX);
  if (!number) return std::nullopt;
  return static_cast<pid_t>(*number);
}

bool is_own_users(const std::string& process) {
  struct stat about {};
  return stat(process.c_str(), &about) == 0 && about.st_uid == getuid();
}

// The value of a variable in strings that end with NUL.
std::string_view variable(std::string_view environment, std::string_view name) {
  while (!environment.empty()) {
    const std::string_view line = environment.substr(0, environment.find('\0'));
    if (line.starts_with(name) && line.substr(name.size()).starts_with('=')) {
      return line.substr(name.size() + 1);
    }
    environment.remove_prefix(std::min(line.size() + 1, environment.size()));
  }
  return {};
}

}  // namespace

LeftBehind left_to_ancestors(pid_t process, const std::string& proc) {
  const AsWhoStartedIt rights;
  auto ancestor = parent_of(proc + "/" + std::to_string(process));
  for (int i = 0; i < ancestors_limit && ancestor && *ancestor > 1; i++) {
    const std::string directory = proc + "/" + std::to_string(*ancestor);
    if (!is_own_users(directory)) break;
    const auto environment = read_file(directory + "/environ", environment_limit);
    if (!environment) break;
    const std::string_view context = variable(*environment, context_variable);
    if (!context.empty()) {
      return {std::string(context), std::string(variable(*environment, client::call_variable))};
    }
    ancestor = parent_of(directory);
  }
  return {};
}

}  // namespace mailorigin::submit
