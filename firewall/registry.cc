#include "firewall/registry.h"

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "service/process_stat.h"

namespace mailorigin::firewall {

namespace {

std::vector<std::string> threads_of(std::uint32_t tgid) {
  std::vector<std::string> threads;
  const std::string path = "/proc/" + std::to_string(tgid) + "/task";
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), closedir);
  if (!directory) return threads;
  while (const dirent* entry = readdir(directory.get())) {
    if (entry->d_name[0] != '.') threads.push_back(path + "/" + entry->d_name);
  }
  return threads;
}

// Also while the kernel takes it apart, and as a zombie: the kernel's program has seen
// its end by then, and sees it no more. Its first thread may end before others.
bool has_ended(std::uint32_t tgid) {
  constexpr std::uint64_t exiting = 4;  // PF_EXITING
  const auto threads = threads_of(tgid);
  // Where /proc hides it, too.
  if (threads.empty()) return kill(static_cast<pid_t>(tgid), 0) != 0 && errno == ESRCH;
  return std::all_of(threads.begin(), threads.end(), [&](const std::string& thread) {
    const auto stat = service::read_process_stat(thread);
    const auto flags =
        stat ? service::process_stat_number(*stat, service::ProcessStat::flags) : std::nullopt;
    return (flags.value_or(exiting) & exiting) != 0;
  });
}

// In the share of those that were registered; those that are inherited have another.
bool counts_here(const mo_process& /*process*/, std::uint32_t /*tgid*/) { return true; }
bool counts_here(const mo_snapshot& snapshot, std::uint32_t tgid) {
  return mo_is_inherited(&snapshot, tgid) == 0;
}

bool put(const auto& map, std::uint32_t tgid, const auto& value) {
  if (!map.put(tgid, value)) return false;
  // It may have ended on the way, and its end is not seen again.
  if (has_ended(tgid)) map.erase(tgid);
  return true;
}

}  // namespace

void Registry::count_full() {
  auto all = maps_.counted();
  all.unregistered_full++;
  (void)maps_.counters.put(KernelMaps::only, all);
}

// Entries go in the kernel when their process ends: counted anew before a user is
// refused, once a second at most.
bool Registry::has_room_for(std::uint32_t uid, std::size_t share, const auto& map,
                            Registered& registered) {
  const auto now = std::chrono::steady_clock::now();
  if (registered.by_uid[uid] >= share && now - registered.counted >= std::chrono::seconds(1)) {
    registered = {{}, now};
    for (const std::uint32_t tgid : map.keys()) {
      const auto value = map.find(tgid);
      if (value && counts_here(*value, tgid)) registered.by_uid[value->uid]++;
    }
  }
  if (registered.by_uid[uid] >= share) return false;
  registered.by_uid[uid]++;
  return true;
}

bool Registry::register_page(const mo_registration& about) {
  if (!has_room_for(about.uid, mo_processes_share, maps_.processes, with_page_)) return false;
  return put(maps_.processes, about.tgid,
             mo_process{about.start_ticks, about.page, mo_all_parts, about.uid});
}

bool Registry::register_origin(const mo_registration& about) {
  auto snapshot = maps_.snapshots.find(about.tgid);
  if (snapshot && mo_is_inherited(&*snapshot, about.tgid) != 0) {
    // It is counted in the kernel, and stays so; unless it has ended by now.
    snapshot->start_ticks = about.start_ticks;
    snapshot->origin = about.origin;
    (void)maps_.snapshots.put(about.tgid, *snapshot, BPF_EXIST);
    return true;
  }
  if (!has_room_for(about.uid, mo_snapshots_share, maps_.snapshots, with_origin_)) return false;
  return put(
      maps_.snapshots, about.tgid,
      mo_snapshot{about.start_ticks, about.start_ticks, about.tgid, about.uid, about.origin});
}

bool Registry::register_process(const mo_registration& registration) {
  const bool registered =
      registration.page != 0 ? register_page(registration) : register_origin(registration);
  if (!registered) count_full();
  return registered;
}

std::size_t Registry::processes() const {
  return maps_.processes.keys().size() + maps_.snapshots.keys().size();
}

}  // namespace mailorigin::firewall
