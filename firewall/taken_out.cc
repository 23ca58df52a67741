#include "firewall/taken_out.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "core/file.h"
#include "core/key.h"
#include "core/name_values.h"
#include "service/kept_file.h"

namespace mailorigin::firewall {

namespace {

constexpr std::size_t size_limit = 128;

std::string path_in(const std::string& state_directory) { return state_directory + "/taken-out"; }

}  // namespace

Status keep_taken_out(const std::string& state_directory, std::uint64_t boottime_ns) {
  const auto boot = boot_id();
  if (!boot) return boot.error();
  const std::string path = path_in(state_directory);
  if (Status kept = service::replace_file(path, std::to_string(boottime_ns) + ' ' + *boot); !kept) {
    return kept;
  }
  struct stat directory {};
  if (geteuid() == 0 && (stat(state_directory.c_str(), &directory) != 0 ||
                         lchown(path.c_str(), directory.st_uid, directory.st_gid) != 0)) {
    return system_error(path, errno);
  }
  return Done{};
}

std::uint64_t load_taken_out(const std::string& state_directory) {
  const auto boot = boot_id();
  const auto text = read_file(path_in(state_directory), size_limit);
  if (!boot || !text) return 0;
  const std::string_view all(*text);
  const auto gap = all.find(' ');
  if (gap == std::string_view::npos || all.substr(gap + 1) != *boot) return 0;
  return parse_number(all.substr(0, gap)).value_or(0);
}

void forget_taken_out(const std::string& state_directory) {
  unlink(path_in(state_directory).c_str());
}

}  // namespace mailorigin::firewall
