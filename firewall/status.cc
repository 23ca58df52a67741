#include "firewall/status.h"

#include <nlohmann/json.hpp>

#include "core/counted.h"
#include "core/event.h"

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
  if (!status.procfs_fault.empty()) {
    findings.push_back(finding(
        "mailorigin-firewall has no /proc of its own (" + status.procfs_fault +
            "): a tenant can keep it waiting",
        "start it by its unit, or give its container CAP_SYS_ADMIN (docs/messages.md, MO0445)"));
  }
  if (status.older_workers.all() > 0) {
    findings.push_back(finding(older_workers_text(status.older_workers), "reload php-fpm"));
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
    findings.push_back(finding(counted(status.counters.unregistered_full, "process", "processes") +
                                   " found no room to be registered",
                               "look for what starts so many"));
  }
  if (status.counters.events_dropped > 0) {
    findings.push_back(
        finding(counted(status.counters.events_dropped, "connection was", "connections were") +
                    " decided and not recorded: the ring was full",
                "see that mailorigind runs"));
  }
  return findings;
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
  out["blocks"] = status.blocks;
  out["older_workers"] = status.older_workers.all();
  out["findings"] = findings_of(status);
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace mailorigin::firewall
