#include "mailorigind/connections/process_origins.h"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

namespace mailorigin::daemon {

namespace {

int bpf(bpf_cmd command, bpf_attr& arguments) {
  return static_cast<int>(syscall(SYS_bpf, command, &arguments, sizeof arguments));
}

bool look_up(const Fd& map, std::uint32_t tgid, mo_snapshot& snapshot) {
  bpf_attr arguments{};
  arguments.map_fd = static_cast<std::uint32_t>(map.get());
  arguments.key = reinterpret_cast<std::uintptr_t>(&tgid);
  arguments.value = reinterpret_cast<std::uintptr_t>(&snapshot);
  return bpf(BPF_MAP_LOOKUP_ELEM, arguments) == 0;
}

}  // namespace

Result<ProcessOrigins> ProcessOrigins::of(Fd map) {
  constexpr const char* what = "the firewall's map of processes";
  bpf_map_info about{};
  bpf_attr arguments{};
  arguments.info.bpf_fd = static_cast<std::uint32_t>(map.get());
  arguments.info.info_len = sizeof about;
  arguments.info.info = reinterpret_cast<std::uintptr_t>(&about);
  if (bpf(BPF_OBJ_GET_INFO_BY_FD, arguments) != 0) return system_error(what, errno);
  // The kernel writes a value's size, whatever there is room for.
  if (about.type != BPF_MAP_TYPE_HASH || about.key_size != sizeof(std::uint32_t) ||
      about.value_size != sizeof(mo_snapshot)) {
    return Error{std::string(what) + " has another form"};
  }
  mo_snapshot nobodys{};
  if (!look_up(map, 0, nobodys) && errno != ENOENT) return system_error(what, errno);
  return ProcessOrigins(std::move(map));
}

std::optional<mo_snapshot> ProcessOrigins::find(pid_t pid) const {
  std::optional<mo_snapshot> found(std::in_place);
  if (!look_up(map_, static_cast<std::uint32_t>(pid), *found)) return std::nullopt;
  return found;
}

}  // namespace mailorigin::daemon
