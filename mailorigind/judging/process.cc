#include "mailorigind/judging/process.h"

#include <sys/stat.h>

#include <optional>

#include "mailorigind/limits.h"
#include "service/process_stat.h"

namespace mailorigin::daemon {

namespace {

struct Stat {
  pid_t parent = 0;
  std::uint64_t start = 0;
};

// Of the process's first thread: its parent and start are the process's, and reading
// them costs the same however many threads there are. For the process itself the
// kernel sums up the times of all of them.
std::optional<Stat> read_stat(const std::string& proc, pid_t pid) {
  const std::string name = std::to_string(pid);
  const auto text = service::read_process_stat(proc + "/" + name + "/task/" + name);
  if (!text) return std::nullopt;
  const auto parent = service::process_stat_number(*text, service::ProcessStat::parent);
  const auto start = service::process_stat_number(*text, service::ProcessStat::start_ticks);
  if (!parent || !start) return std::nullopt;
  return Stat{static_cast<pid_t>(*parent), *start};
}

// The directory's owner is the effective uid, also of a process that is not dumpable
// (FPM's workers are not), whose files below are root's. /proc/PID/status has the uid as
// well, but all of the process's groups, too, of which there may be 65,536.
bool runs_as(const std::string& proc, pid_t pid, uid_t uid) {
  struct stat about {};
  return stat((proc + "/" + std::to_string(pid)).c_str(), &about) == 0 && about.st_uid == uid;
}

}  // namespace

std::vector<Process> lineage(pid_t pid, uid_t uid, const std::string& proc) {
  auto stat = read_stat(proc, pid);
  // What it sent may have waited until it had ended, and until its pid was another user's.
  if (!stat || !runs_as(proc, pid, uid)) return {{pid, 0}};
  std::vector<Process> chain{{pid, stat->start}};
  for (pid_t ancestor = stat->parent;
       ancestor > 1 && chain.size() <= lineage_depth && runs_as(proc, ancestor, uid);
       ancestor = stat->parent) {
    stat = read_stat(proc, ancestor);
    if (!stat) break;
    chain.push_back({ancestor, stat->start});
  }
  return chain;
}

bool processes_visible(const std::string& proc) { return read_stat(proc, 1).has_value(); }

}  // namespace mailorigin::daemon
