#include "firewall/registry.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <vector>

#include "core/abi/share.h"
#include "core/context.h"
#include "core/fd.h"
#include "firewall/feeding.h"
#include "firewall/foreign_map.h"
#include "service/process_stat.h"

namespace mailorigin::firewall {

namespace {

// A thread that has begun to end, or has gone.
bool is_ending(const std::string& thread) {
  constexpr std::uint64_t exiting = 4;  // PF_EXITING
  const auto stat = service::read_process_stat(thread);
  if (!stat) return true;
  const auto flags = service::process_stat_number(*stat, service::ProcessStat::flags);
  return (flags.value_or(exiting) & exiting) != 0;
}

// The first of its threads, as many as one look gives: how many there are is the process's
// choice, and nobody else is to wait for that.
std::vector<std::string> some_threads(const std::string& tasks) {
  std::vector<std::string> threads;
  const Fd directory(open(tasks.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  alignas(dirent64) std::array<char, 1024> entries;
  const long length = syscall(SYS_getdents64, directory.get(), entries.data(), entries.size());
  for (long at = 0; at < length;) {
    const auto* entry = reinterpret_cast<const dirent64*>(entries.data() + at);
    if (entry->d_name[0] != '.') threads.push_back(tasks + "/" + entry->d_name);
    at += entry->d_reclen;
  }
  return threads;
}

// Also while the kernel takes it apart, and as a zombie: the kernel's program has seen
// its end by then, and sees it no more. Its first thread may end before others.
bool has_ended(std::uint32_t tgid) {
  const std::string tasks = "/proc/" + std::to_string(tgid) + "/task";
  if (!is_ending(tasks + "/" + std::to_string(tgid))) return false;
  const auto threads = some_threads(tasks);
  // Where /proc hides it, too.
  if (threads.empty()) return kill(static_cast<pid_t>(tgid), 0) != 0 && errno == ESRCH;
  return std::all_of(threads.begin(), threads.end(), is_ending);
}

// Among those that mailorigind registered: not what root did, nor what is inherited.
bool counts_here(const mo_process& process, std::uint32_t /*tgid*/) { return process.uid != 0; }
bool counts_here(const mo_snapshot& snapshot, std::uint32_t tgid) {
  return mo_is_inherited(&snapshot, tgid) == 0;
}

// Its pid has come to another process while mailorigind spoke for it: that one's entry is not
// to be replaced.
bool is_another(const mo_registration& about) {
  const std::string pid = std::to_string(about.tgid);
  const auto stat = service::read_process_stat("/proc/" + pid + "/task/" + pid);
  return stat && service::process_stat_number(*stat, service::ProcessStat::start_ticks) !=
                     about.start_ticks;
}

bool put(const auto& map, std::uint32_t tgid, const auto& value, std::uint64_t flags = BPF_ANY) {
  if (!map.put(tgid, value, flags)) return false;
  // It may have ended on the way, and its end is not seen again.
  if (has_ended(tgid)) map.erase(tgid);
  return true;
}

}  // namespace

// Entries go in the kernel when their process ends: counted anew before a user is
// refused, once a second at most.
bool Registry::has_room_for(std::uint32_t uid, std::size_t limit, const auto& map,
                            Registered& registered) {
  const auto is_room = [&] {
    return mo_has_room(static_cast<long long>(registered.by_uid[uid]),
                       static_cast<long long>(registered.all), static_cast<long long>(limit)) != 0;
  };
  const auto now = std::chrono::steady_clock::now();
  if (!is_room() && now - registered.counted >= std::chrono::seconds(1)) {
    registered = {{}, 0, now};
    map.each([&](std::uint32_t tgid, const auto& value) {
      if (counts_here(value, tgid)) registered.add(value.uid);
    });
  }
  if (!is_room()) return false;
  registered.add(uid);
  return true;
}

bool Registry::register_page(const mo_registration& about) {
  const auto known = maps_.processes.find(about.tgid);
  // Whoever registers again has its place already.
  const bool again = known && known->start_ticks == about.start_ticks && known->uid == about.uid;
  if (!again && !has_room_for(about.uid, mo_pages_limit, maps_.processes, with_page_)) {
    return false;
  }
  return put(maps_.processes, about.tgid,
             mo_process{about.start_ticks, about.page, mo_all_parts, about.uid});
}

bool Registry::register_origin(const mo_registration& about) {
  auto known = maps_.snapshots.find(about.tgid);
  if (known && mo_is_inherited(&*known, about.tgid) != 0) {
    // It is counted in the kernel, and stays so; unless it has ended by now.
    known->start_ticks = about.start_ticks;
    known->origin = about.origin;
    known->verified = verifies(about) ? 1 : 0;
    (void)maps_.snapshots.put(about.tgid, *known, BPF_EXIST);
    return true;
  }
  const bool again = known && known->start_ticks == about.start_ticks && known->uid == about.uid;
  if (!again && !has_room_for(about.uid, mo_shown_limit, maps_.snapshots, with_origin_)) {
    return false;
  }
  return put(maps_.snapshots, about.tgid,
             mo_snapshot{about.start_ticks, about.start_ticks, about.tgid, about.uid, about.origin,
                         verifies(about) ? 1U : 0U, 0});
}

bool Registry::verifies(const mo_registration& about) const {
  if (about.origin.context_size < mo_tag_size) return false;
  const auto config = config_in_force(maps_);
  mo_tag tag{};
  std::memcpy(&tag, about.origin.bytes, sizeof tag);
  return config &&
         mo_verify(&tag, &config->current, &config->previous, about.uid, boottime_now_ns()) != 0;
}

bool Registry::register_process(const mo_registration& registration) {
  if (is_another(registration)) return true;
  const bool registered =
      registration.page != 0 ? register_page(registration) : register_origin(registration);
  if (!registered) without_room_++;
  return registered;
}

void Registry::drop_empty_shares() {
  const auto uids = maps_.shares.keys();
  if (uids.size() <= mo_shares_limit / 2) return;
  for (const std::uint32_t uid : uids) {
    if (maps_.shares.find(uid).value_or(1) <= 0) maps_.shares.erase(uid);
  }
}

// As the kernel does when it gives one, or takes it off when its process ends.
void Registry::add_share(std::uint32_t uid, std::int32_t number) {
  (void)maps_.shares.put(uid, maps_.shares.find(uid).value_or(0) + number);
  (void)maps_.all_shares.put(KernelMaps::only,
                             maps_.all_shares.find(KernelMaps::only).value_or(0) + number);
}

void Registry::take_over(const std::string& version) {
  const auto processes = ForeignMap<mo_process>::open(version, "processes");
  processes.each([&](std::uint32_t tgid, const mo_process& process) {
    if (process.parts == mo_all_parts) put(maps_.processes, tgid, process, BPF_NOEXIST);
  });
  const auto snapshots = ForeignMap<mo_snapshot>::open(version, "snapshots");
  snapshots.each([&](std::uint32_t tgid, const mo_snapshot& snapshot) {
    if (!maps_.snapshots.put(tgid, snapshot, BPF_NOEXIST)) return;
    const bool inherited = mo_is_inherited(&snapshot, tgid) != 0;
    if (inherited) add_share(snapshot.uid, 1);
    if (has_ended(tgid) && maps_.snapshots.erase(tgid) && inherited) add_share(snapshot.uid, -1);
  });
}

std::size_t Registry::processes() const {
  return maps_.processes.keys().size() + maps_.snapshots.keys().size();
}

}  // namespace mailorigin::firewall
