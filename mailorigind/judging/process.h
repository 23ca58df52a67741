// Which process asks: its pid with its start time, and its ancestors.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace mailorigin::daemon {

// A pid is used again; with its start time it is not.
struct Process {
  pid_t pid = 0;
  std::uint64_t start = 0;  // clock ticks since boot; 0: could not be read
  bool operator==(const Process&) const = default;
};

// The process itself, then its ancestors as far as they run under `uid`, at
// most lineage_depth of them. Never empty: a process that is gone or hidden, or another
// user's by now, is its pid alone.
std::vector<Process> lineage(pid_t pid, uid_t uid, const std::string& proc = "/proc");

// False where /proc hides the processes of other users (hidepid).
bool processes_visible(const std::string& proc = "/proc");

}  // namespace mailorigin::daemon
