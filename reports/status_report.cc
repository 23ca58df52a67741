#include "reports/status_report.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <initializer_list>
#include <utility>

#include "core/counted.h"
#include "core/socket_paths.h"
#include "reports/fields.h"
#include "reports/findings.h"
#include "reports/httpd_process.h"
#include "reports/queue_facts.h"
#include "reports/remedies.h"
#include "reports/services.h"
#include "reports/sizes.h"
#include "reports/weak_vhosts.h"

namespace mailorigin::reports {

using nlohmann::json;

namespace {

void check_httpd(const json& daemon, json& findings) {
  const json& httpd = member(daemon, "httpd");
  if (!member(daemon, "policy").is_object()) {
    findings.push_back(finding("httpd", "httpd has never sent its configuration",
                               "load mod_mailorigin (a2enmod mailorigin) and start httpd; its "
                               "MailOriginRuntimeDir must be this one"));
  } else if (!flag_at(httpd, "connected")) {
    findings.push_back(finding("httpd",
                               "httpd is not connected (" + text_at(httpd, "instance") +
                                   "): what it said last stays in force",
                               "start httpd, and see what error_log says (MO01...)"));
  }
}

void check_version(const std::string& part, const json& answer, json& findings) {
  const std::string version = text_at(answer, "version");
  if (version == MAILORIGIN_VERSION) return;
  findings.push_back(
      finding(part, "it is version " + version + ", and this is " MAILORIGIN_VERSION,
              "apachectl graceful; with MailOriginDaemon external restart its unit"));
}

std::string without_number(const std::string& text) {
  const std::size_t colon = text.find(": ");
  return colon == std::string::npos ? text : text.substr(colon + 2);
}

// Whether check_logs() says it, with what can be done about that log.
bool is_of_listed_log(const json& daemon, const std::string& text) {
  const json& logs = array_at(daemon, "logs");
  return std::any_of(logs.begin(), logs.end(), [&](const json& log) {
    const std::string name = text_at(log, "name");
    const std::string said = without_number(text);
    return !text_at(log, "reason").empty() &&
           (said.starts_with(name + ": " + text_at(log, "reason")) ||
            said.starts_with(name + " was deleted"));
  });
}

bool is_of_store(const std::string& text) {
  const auto begins = [&](const char* number) { return text.starts_with(number); };
  return begins("MO05") || begins("MO0277") || begins("MO0284");
}

void check_daemon(const json& daemon, json& findings) {
  check_version("daemon", daemon, findings);
  for (const json& each : array_at(daemon, "findings")) {
    const std::string text = text_at(each, "text");
    if (is_of_listed_log(daemon, text)) continue;
    findings.push_back(finding(is_of_store(text) ? "store" : "daemon",
                               text + " (since " + text_at(each, "since") + ")",
                               remedy_of_message(text)));
  }
  const std::size_t listed = array_at(daemon, "findings").size();
  if (number_at(daemon, "findings_count") > listed) {
    findings.push_back(
        finding("daemon", counted(number_at(daemon, "findings_count") - listed, "more finding"),
                "see error_log"));
  }
}

// Those that wait for the same reason are one finding: ten sites' logs without httpd are.
void check_logs(const json& daemon, json& findings) {
  constexpr std::size_t names_said = 3;
  struct Waiting {
    std::string reason;
    std::vector<std::string> names;
    std::uint64_t bytes = 0;
  };
  std::vector<Waiting> all;
  for (const json& log : array_at(daemon, "logs")) {
    const std::string reason = text_at(log, "reason");
    if (reason.empty()) continue;
    auto same = std::find_if(all.begin(), all.end(),
                             [&](const Waiting& each) { return each.reason == reason; });
    if (same == all.end()) same = all.insert(same, Waiting{reason, {}, 0});
    same->names.push_back(text_at(log, "name"));
    same->bytes = std::max(same->bytes, number_at(log, "waiting"));
  }
  for (const auto& [reason, names, bytes] : all) {
    const bool missing = reason.starts_with("httpd");
    const bool deleted = reason.find("deleted") != std::string::npos;
    std::string which;
    for (std::size_t i = 0; i < std::min(names.size(), names_said); i++) {
      which += (i == 0 ? "" : ", ") + names[i];
    }
    if (names.size() > names_said) {
      which += " and " + std::to_string(names.size() - names_said) + " more";
    }
    findings.push_back(finding(
        "logs",
        which + ": " + reason + (names.size() > 1 ? "; their" : "; its") +
            " events wait in the journal, up to " + size_text(bytes),
        missing ? "start httpd, or apachectl graceful"
        : deleted
            ? "apachectl graceful, which opens it anew and has it written; make its directory "
              "before, if that is gone, too"
            : "room on its disk, or a program that reads; it is written as soon as it can be"));
  }
  const json& journal = member(daemon, "journal");
  if (number_at(journal, "waiting") > number_at(journal, "capacity") / 2) {
    findings.push_back(finding("logs",
                               "the journal is more than half full; what does not fit is lost",
                               "see to the logs that are behind"));
  }
}

// Those members that `object` has; it may be no object.
json pick(const json& object, std::initializer_list<const char*> names) {
  if (!object.is_object()) return nullptr;
  json picked = json::object();
  for (const char* name : names) {
    if (object.contains(name)) picked[name] = object[name];
  }
  return picked;
}

json logs_of(const json& daemon) {
  json logs;
  logs["targets"] = number_at(member(daemon, "policy"), "targets");
  logs["behind"] = number_at(daemon, "logs_behind");
  logs["waiting"] = number_at(member(daemon, "journal"), "waiting");
  logs["capacity"] = number_at(member(daemon, "journal"), "capacity");
  logs["list"] = json::array();
  for (const json& log : array_at(daemon, "logs")) {
    logs["list"].push_back(pick(log, {"name", "state", "waiting", "reason"}));
  }
  return logs;
}

json store_of(const json& daemon) {
  json store = pick(member(daemon, "store"),
                    {"wanted", "driver", "file", "trouble", "work", "retained_days"});
  if (!store.is_object()) return json::object();  // an older daemon
  for (const json& each : array_at(member(daemon, "journal"), "consumers")) {
    if (text_at(each, "name") != "store") continue;
    store["waiting"] = number_at(each, "waiting");
    store["lost"] = number_at(each, "lost");
  }
  return store;
}

// What is wrong with it mailorigind has found, but where its file was taken away, which a database
// that is open does not see; not that it only is slow.
void check_store(const json& daemon, bool file_is_missing, json& findings) {
  const json store = store_of(daemon);
  if (file_is_missing) {
    findings.push_back(finding("store",
                               text_at(store, "file") +
                                   " is not there: it was moved away or deleted, and what comes "
                                   "is still written to what it was, where no command finds it",
                               std::string(store_missing_remedy)));
  }
  if (number_at(store, "lost") > 0) {
    findings.push_back(finding("store",
                               counted(number_at(store, "lost"), "event has", "events have") +
                                   " been lost to it since mailorigind's start: the journal had no "
                                   "more room for what waits",
                               "see why it was not written (MO0520), or was slow; the logs have "
                               "them"));
  }
}

json weak_vhosts(const Policy& policy, std::optional<std::uint32_t> httpd_uid) {
  json weak = json::array();
  for (const Weakness& each : find_weaknesses(policy, httpd_uid)) {
    weak.push_back({{"reason", each.reason},
                    {"text", each.text},
                    {"remedy", each.remedy},
                    {"vhosts", each.vhosts}});
  }
  return weak;
}

// The daemon gets the kernel's events from the programs alone.
void check_link(const Observed& observed, json& findings) {
  if (!observed.firewall || text_at(*observed.firewall, "engine") != "bpf") return;
  const json& link = member(observed.daemon, "firewall");
  if (!flag_at(link, "wanted") || (flag_at(link, "connected") && flag_at(link, "ring"))) return;
  findings.push_back(finding("firewall",
                             "mailorigind is not attached to it: connections are decided, and not "
                             "recorded",
                             "apachectl graceful; are both of one version?"));
}

// A file; empty: of none it is known.
bool is_missing(const std::string& path) {
  return !path.empty() && access(path.c_str(), F_OK) != 0 && errno == ENOENT;
}

}  // namespace

Result<Observed> observe(const std::string& runtime_directory, bool probes) {
  const std::string socket = control_socket(runtime_directory);
  auto daemon = ask_status(socket);
  if (!daemon) return daemon.error();
  Observed observed;
  observed.daemon = *std::move(daemon);
  const json& store = member(observed.daemon, "store");
  observed.store_is_missing = flag_at(store, "wanted") && text_at(store, "trouble").empty() &&
                              is_missing(text_at(store, "file"));
  if (!member(observed.daemon, "policy").is_object()) return observed;
  auto policy = ask_policy(socket);
  if (!policy) return policy.error();
  observed.httpd_uid = httpd_user(policy->instance);
  observed.firewall = ask_status(firewall_socket(runtime_directory));
  observed.firewall_policy_is_kept = firewall_policy_is_kept(runtime_directory);
  observed.php = php_programs();
  observed.masters = fpm_masters();
  if (probes) observed.probes = probe_pools(observed.masters, runtime_directory);
  observed.host = host_facts();
  observed.missing_users = find_missing_users(*policy, uid_named);
  const json& queue = member(observed.daemon, "queue");
  observed.open_ways =
      find_open_ways(policy->firewall.mode, {flag_at(member(queue, "exim"), "holds"),
                                             flag_at(member(queue, "milter"), "holds"),
                                             policy->queue.unrecorded == Rule::hold});
  observed.policy = *std::move(policy);
  return observed;
}

json status_report(const Observed& observed) {
  const json& daemon = observed.daemon;
  json findings = json::array();
  check_httpd(daemon, findings);
  check_daemon(daemon, findings);
  check_logs(daemon, findings);
  check_store(daemon, observed.store_is_missing, findings);

  json report;
  report["version"] = MAILORIGIN_VERSION;
  report["httpd"] = pick(member(daemon, "httpd"), {"connected", "instance"});
  report["daemon"] = {{"version", text_at(daemon, "version")},
                      {"pid", number_at(daemon, "pid")},
                      {"started", text_at(daemon, "started")}};
  report["policy"] = pick(member(daemon, "policy"), {"vhosts", "targets", "firewall"});
  report["logs"] = logs_of(daemon);
  report["store"] = store_of(daemon);
  report["blocks_count"] = number_at(daemon, "blocks_count");
  report["blocks"] = json::array();
  for (const json& each : array_at(daemon, "blocks")) {
    report["blocks"].push_back(pick(each, {"block", "action", "by", "since", "until", "reason"}));
  }
  report["limit_resets"] = json::array();
  for (const json& each : array_at(daemon, "limit_resets")) {
    report["limit_resets"].push_back(pick(each, {"site", "by", "since"}));
  }
  report["weak_vhosts"] = json::array();
  report["missing_users"] = json::array();
  report["open_ways"] = json::array();
  for (const OpenWay& each : observed.open_ways) {
    report["open_ways"].push_back(
        {{"way", each.way}, {"text", each.text}, {"remedy", each.remedy}});
  }
  const json& queue = member(daemon, "queue");
  report["queue"] = {{"milter", pick(member(queue, "milter"), {"wanted", "holds", "asked"})},
                     {"exim", pick(member(queue, "exim"), {"wanted", "holds", "asked"})}};
  report["firewall"] = json::object();
  report["php"] = json::object();
  if (observed.policy) {
    const FirewallMode mode = observed.policy->firewall.mode;
    if (mode != FirewallMode::off && observed.firewall) {
      report["firewall"] = *observed.firewall;
      report["firewall"].erase("findings");
      check_version("firewall", *observed.firewall, findings);
      check_link(observed, findings);
    }
    report["firewall"]["wanted"] = firewall_mode_name(mode);
    for (const json& each :
         firewall_findings(mode, observed.firewall, observed.firewall_policy_is_kept)) {
      findings.push_back(each);
    }
    report["php"] = php_facts(daemon, *observed.policy, observed.php, observed.masters);
    check_php(report["php"], observed.php, findings);
    check_masters(observed.masters, observed.php, findings);
    if (observed.probes && !*observed.probes) {
      findings.push_back(finding("php", observed.probes->error().message,
                                 "room and rights in MailOriginRuntimeDir"));
    } else if (observed.probes) {
      report["php"]["probes"] = json::array();
      for (const auto& [program, pool, result] : **observed.probes) {
        report["php"]["probes"].push_back({{"pool", pool.name},
                                           {"listen", pool.listen},
                                           {"program", program},
                                           {"result", result.word},
                                           {"text", result.text}});
      }
      check_probes(**observed.probes, findings);
    }
    report["clock"] = {{"synchronized", observed.host.clock_is_synchronized}};
    report["mail"] = {{"program", observed.host.mail_program}};
    check_clock(observed.host, text_at(daemon, "started"), findings);
    for (const MissingUser& each : observed.missing_users) {
      report["missing_users"].push_back({{"vhost", each.vhost}, {"user", each.user}});
    }
    check_users(observed.missing_users, findings);
    check_queue(daemon, *observed.policy, findings);
    report["weak_vhosts"] = weak_vhosts(*observed.policy, observed.httpd_uid);
  }
  report["well"] = findings.empty();
  report["findings"] = std::move(findings);
  return report;
}

json status_report_without_daemon(const Error& error) {
  return {{"version", MAILORIGIN_VERSION},
          {"well", false},
          {"findings", json::array({finding("daemon", error)})}};
}

}  // namespace mailorigin::reports
