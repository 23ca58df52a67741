#include "mailorigind/judging/process.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "core/fd.h"
#include "core/name_values.h"
#include "mailorigind/limits.h"
#include "service/process_stat.h"

namespace mailorigin::daemon {

namespace {

// The first `size` bytes of a file below /proc; the fields read here are among them.
template <std::size_t size>
std::string_view read_start(const std::string& path, std::array<char, size>& buffer) {
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return {};
  const ssize_t length = read(file.get(), buffer.data(), buffer.size());
  return {buffer.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
}

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

// The owner of /proc/PID is root for a process that is not dumpable, as FPM's
// workers are; the Uid line (real, effective, ...) tells the truth.
bool runs_as(const std::string& proc, pid_t pid, uid_t uid) {
  std::array<char, 2048> buffer;
  std::string_view text = read_start(proc + "/" + std::to_string(pid) + "/status", buffer);
  constexpr std::string_view label = "\nUid:\t";
  const std::size_t line = text.find(label);
  if (line == std::string_view::npos) return false;
  text.remove_prefix(line + label.size());
  const auto real = parse_number(text.substr(0, text.find('\t')));
  if (real == uid) return true;
  text.remove_prefix(std::min(text.find('\t'), text.size() - 1) + 1);
  return parse_number(text.substr(0, text.find('\t'))) == uid;
}

}  // namespace

std::vector<Process> lineage(pid_t pid, uid_t uid, const std::string& proc) {
  auto stat = read_stat(proc, pid);
  if (!stat) return {{pid, 0}};
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
