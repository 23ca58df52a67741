#include "firewall/older_workers.h"

#include <sys/stat.h>

#include <string_view>

#include "core/context.h"
#include "core/counted.h"
#include "core/file.h"
#include "core/name_values.h"
#include "service/process_stat.h"

namespace mailorigin::firewall {

namespace {

// The start of a process, if the program's name is php-fpm's.
std::uint64_t php_fpm_start(std::string_view stat) {
  const std::size_t open = stat.find('(');
  const std::size_t close = stat.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open ||
      !stat.substr(open + 1, close - open - 1).starts_with("php-fpm")) {
    return 0;
  }
  return service::process_stat_number(stat, service::ProcessStat::start_ticks).value_or(0);
}

// Whose process ids are the kernel's own.
bool is_in_first_pid_namespace() {
  constexpr ino_t first = 0xEFFFFFFC;  // PROC_PID_INIT_INO
  struct stat about {};
  return stat("/proc/self/ns/pid", &about) != 0 || about.st_ino == first;
}

}  // namespace

OlderWorkers find_older_workers(const mo_control& control, const CompiledPolicy& policy,
                                const std::function<bool(std::uint32_t)>& is_registered,
                                std::chrono::milliseconds patience) {
  OlderWorkers found;
  found.observed = boottime_now_ns() / mo_ns_per_tick < control.older_until_ticks;
  found.known_later = is_in_first_pid_namespace();
  const auto names = names_in("/proc");
  if (!names) return found;
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (const std::string& name : *names) {
    found.all_seen = std::chrono::steady_clock::now() < deadline;
    if (!found.all_seen) break;
    const auto pid = parse_number(name, UINT32_MAX);
    if (!pid) continue;
    const std::string path = "/proc/" + name;
    struct stat about {};
    // The master is root's, and opens no connections.
    if (stat(path.c_str(), &about) != 0 || about.st_uid == 0) continue;
    // Of its first thread: that of all together takes as long as a tenant wants it to.
    const auto text = service::read_process_stat(path + "/task/" + name);
    const std::uint64_t start = text ? php_fpm_start(*text) : 0;
    if (start == 0 || start >= control.first_loaded_ticks) continue;
    if (found.known_later && is_registered(static_cast<std::uint32_t>(*pid))) continue;
    const auto account = policy.accounts.find(about.st_uid);
    const bool one_site = account != policy.accounts.end() && account->second.has_vhost != 0;
    (one_site ? found.of_one_site : found.others)++;
  }
  return found;
}

std::string older_workers_text(const OlderWorkers& workers) {
  if (workers.all() == 0) return {};
  std::string text = workers.all_seen ? "" : "at least ";
  text +=
      counted(workers.all(), "php-fpm worker is older than the firewall and has not shown itself: ",
              "php-fpm workers are older than the firewall and have not shown themselves: ");
  if (workers.of_one_site > 0) {
    text += counted(workers.of_one_site, "connects as its user's site may, with verified=false",
                    "connect as their user's site may, with verified=false");
  }
  if (workers.others > 0) {
    if (workers.of_one_site > 0) text += ", ";
    text +=
        workers.observed
            ? counted(workers.others,
                      "is observed for ten minutes from its beginning, then its user decides",
                      "are observed for ten minutes from its beginning, then their user decides")
            : counted(workers.others, "connects as its user may, with verified=false",
                      "connect as their user may, with verified=false");
  }
  if (!workers.known_later) {
    text +=
        "; in a container with process ids of its own they cannot show themselves to the kernel";
  }
  return text;
}

}  // namespace mailorigin::firewall
