#include "mailorigind/judging/process.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string_view>

#include "core/fd.h"
#include "core/name_values.h"
#include "mailorigind/limits.h"

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

// proc(5): the command in parentheses may hold anything, so the fields are
// counted from the last closing one: state (3), ppid (4), ... starttime (22).
std::optional<Stat> read_stat(const std::string& proc, pid_t pid) {
  std::array<char, 512> buffer;
  std::string_view text = read_start(proc + "/" + std::to_string(pid) + "/stat", buffer);
  const std::size_t command_end = text.rfind(')');
  if (command_end == std::string_view::npos) return std::nullopt;
  text.remove_prefix(command_end + 1);
  Stat result;
  for (int field = 3; field <= 22; field++) {
    if (text.empty() || text[0] != ' ') return std::nullopt;
    text.remove_prefix(1);
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size());
    if (field != 4 && field != 22) continue;
    const auto number = parse_number(word);
    if (!number) return std::nullopt;
    if (field == 4) result.parent = static_cast<pid_t>(*number);
    if (field == 22) result.start = *number;
  }
  return result;
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
