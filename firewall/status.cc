#include "firewall/status.h"

#include <sys/stat.h>

#include <nlohmann/json.hpp>
#include <string_view>

#include "core/event.h"
#include "core/file.h"
#include "core/name_values.h"
#include "service/process_stat.h"

namespace mailorigin::firewall {

namespace {

using nlohmann::json;

json finding(const std::string& text, const std::string& remedy) {
  return {{"text", text}, {"remedy", remedy}};
}

json findings_of(const FirewallStatus& status) {
  json findings = json::array();
  if (!status.programs_fault.empty()) {
    findings.push_back(finding(
        "no programs in the kernel: " + status.programs_fault + "; nftables decides by uid alone",
        "a kernel of 6.1 or newer with cgroup2 and a bpf file system, and "
        "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON"));
  }
  if (!status.feeding_fault.empty()) {
    findings.push_back(
        finding("httpd's last configuration is not in force, but the one before "
                "it: " +
                    status.feeding_fault,
                "memory; it is tried again every few seconds"));
  }
  if (!status.table_fault.empty()) {
    findings.push_back(finding("the table inet mailorigin is not loaded: " + status.table_fault,
                               "a kernel with nf_tables"));
  }
  if (status.older_workers > 0) {
    findings.push_back(finding(std::to_string(status.older_workers) +
                                   " php-fpm workers are older than the firewall and have not "
                                   "shown themselves: for ten minutes from its beginning their "
                                   "connections are observed, then their user decides",
                               "reload php-fpm"));
  }
  for (const std::string& account : status.refused_accounts) {
    findings.push_back(finding("the mail server's account " + account + " may not connect",
                               "name it in MailOriginSmtpUsers"));
  }
  for (const std::string& tenant : status.tenants_in_groups) {
    findings.push_back(finding(tenant +
                                   " is a member of a group of MailOriginSmtpUsers, and can make a "
                                   "setgid program of it",
                               "take it out of the group, or name users instead of the group"));
  }
  for (const std::string& name : status.failed_names) {
    findings.push_back(finding(name + " does not resolve", "correct it, or the name server"));
  }
  if (status.counters.unregistered_full > 0) {
    findings.push_back(finding(std::to_string(status.counters.unregistered_full) +
                                   " processes found no room to be registered",
                               "look for what starts so many"));
  }
  if (status.counters.events_dropped > 0) {
    findings.push_back(finding(std::to_string(status.counters.events_dropped) +
                                   " connections were decided and not recorded: the ring was full",
                               "see that mailorigind runs"));
  }
  return findings;
}

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

}  // namespace

std::string status_json(const FirewallStatus& status) {
  json out;
  out["version"] = MAILORIGIN_VERSION;
  out["engine"] = status.engine;
  out["mode"] = firewall_mode_name(status.mode);
  out["layout"] = mo_layout_version;
  if (status.loaded_at_ms != 0) out["loaded_at"] = rfc3339(status.loaded_at_ms);
  out["ports"] = status.policy->ports;
  out["uids"] = status.policy->uids;
  out["gids"] = status.policy->gids;
  out["vhosts"] = status.policy->policies.empty() ? 0 : status.policy->policies.size() - 1;
  const mo_counters& counters = status.counters;
  out["counters"] = {{"allowed", counters.allowed},
                     {"observed", counters.observed},
                     {"denied", counters.denied},
                     {"redirected", counters.redirected},
                     {"older", counters.older},
                     {"events", counters.events},
                     {"events_dropped", counters.events_dropped},
                     {"events_capped", counters.events_capped},
                     {"unreadable", counters.unreadable},
                     {"unverified", counters.unverified},
                     {"registered", counters.registered},
                     {"inherited", counters.inherited},
                     {"unregistered_full", counters.unregistered_full}};
  out["processes"] = status.processes;
  out["older_workers"] = status.older_workers;
  out["findings"] = findings_of(status);
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::size_t count_older_workers(std::uint64_t first_loaded_ticks,
                                const std::function<bool(std::uint32_t)>& is_registered) {
  std::size_t count = 0;
  const auto names = names_in("/proc");
  if (!names) return count;
  for (const std::string& name : *names) {
    const auto pid = parse_number(name, UINT32_MAX);
    if (!pid) continue;
    const std::string path = "/proc/" + name;
    struct stat about {};
    // The master is root's, and opens no connections.
    if (stat(path.c_str(), &about) != 0 || about.st_uid == 0) continue;
    // Of its first thread: that of all together takes as long as a tenant wants it to.
    const auto text = service::read_process_stat(path + "/task/" + name);
    const std::uint64_t start = text ? php_fpm_start(*text) : 0;
    if (start != 0 && start < first_loaded_ticks &&
        !is_registered(static_cast<std::uint32_t>(*pid))) {
      count++;
    }
  }
  return count;
}

}  // namespace mailorigin::firewall
