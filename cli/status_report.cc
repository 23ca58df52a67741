#include "cli/status_report.h"

#include <algorithm>

#include "cli/fields.h"
#include "cli/findings.h"
#include "cli/weak_vhosts.h"

namespace mailorigin {

using nlohmann::json;

namespace {

constexpr std::size_t names_shown = 8;  // of virtual hosts in one line; JSON has all

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

// A message begins with its number, and docs/messages.md has a line for that.
std::string remedy_of_message(const std::string& text) {
  return "docs/messages.md has what to do about " + text.substr(0, text.find(':'));
}

std::string without_number(const std::string& text) {
  const std::size_t colon = text.find(": ");
  return colon == std::string::npos ? text : text.substr(colon + 2);
}

// Whether check_logs() says it, with what can be done about that log.
bool is_of_listed_log(const json& daemon, const std::string& text) {
  const json& logs = array_at(daemon, "logs");
  return std::any_of(logs.begin(), logs.end(), [&](const json& log) {
    return !text_at(log, "reason").empty() &&
           without_number(text).starts_with(text_at(log, "name") + ": " + text_at(log, "reason"));
  });
}

void check_daemon(const json& daemon, json& findings) {
  check_version("daemon", daemon, findings);
  for (const json& each : array_at(daemon, "findings")) {
    const std::string text = text_at(each, "text");
    if (is_of_listed_log(daemon, text)) continue;
    findings.push_back(finding("daemon", text + " (since " + text_at(each, "since") + ")",
                               remedy_of_message(text)));
  }
  const std::size_t listed = array_at(daemon, "findings").size();
  if (number_at(daemon, "findings_count") > listed) {
    findings.push_back(finding(
        "daemon", std::to_string(number_at(daemon, "findings_count") - listed) + " more findings",
        "see error_log"));
  }
}

void check_logs(const json& daemon, json& findings) {
  for (const json& log : array_at(daemon, "logs")) {
    const std::string reason = text_at(log, "reason");
    if (reason.empty()) continue;
    const bool missing = reason.starts_with("httpd");
    findings.push_back(finding(
        "logs",
        text_at(log, "name") + ": " + reason + "; its events wait in the journal, up to " +
            size_text(number_at(log, "waiting")),
        missing ? "start httpd, or apachectl graceful"
                : "room on its disk, or a program that reads; it is written as soon as it can be"));
  }
  const json& journal = member(daemon, "journal");
  if (number_at(journal, "waiting") > number_at(journal, "capacity") / 2) {
    findings.push_back(finding("logs",
                               "the journal is more than half full; what does not fit is lost",
                               "see to the logs that are behind"));
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

std::string headline(const json& report, const std::string& part, const Style& style) {
  const json& findings = array_at(report, "findings");
  const bool bad = std::any_of(findings.begin(), findings.end(),
                               [&](const json& each) { return text_at(each, "part") == part; });
  return bad ? style.bad("to do") : style.good("well ");
}

std::string httpd_line(const json& report) {
  const json& httpd = member(report, "httpd");
  if (!httpd.is_object()) return "not known";
  const std::string instance = text_at(httpd, "instance");
  return (flag_at(httpd, "connected") ? "connected" : "not connected") +
         (instance.empty() ? "" : ", " + instance);
}

std::string daemon_line(const json& report) {
  const json& daemon = member(report, "daemon");
  if (!daemon.is_object()) return "no answer";
  std::string out = "mailorigind " + text_at(daemon, "version") + ", pid " +
                    std::to_string(number_at(daemon, "pid")) + ", since " +
                    text_at(daemon, "started");
  const json& policy = member(report, "policy");
  if (policy.is_object()) {
    out += ", " + std::to_string(number_at(policy, "vhosts")) + " virtual hosts";
  }
  return out;
}

std::string logs_line(const json& report) {
  const json& logs = member(report, "logs");
  if (!logs.is_object()) return "not known";
  return std::to_string(number_at(logs, "targets")) + " targets, " +
         std::to_string(number_at(logs, "behind")) + " behind; " +
         size_text(number_at(logs, "waiting")) + " of " + size_text(number_at(logs, "capacity")) +
         " wait in the journal";
}

std::string firewall_line(const json& report) {
  const json& firewall = member(report, "firewall");
  const std::string wanted = text_at(firewall, "wanted");
  if (wanted.empty()) return "not known";
  if (wanted == "off") return "off";
  std::string out = wanted;
  const std::string engine = text_at(firewall, "engine");
  if (!engine.empty()) {
    out += ", engine " + engine + "; denied " +
           std::to_string(number_at(member(firewall, "counters"), "denied"));
  }
  return out;
}

std::string weak_text(const json& report, const Style& style) {
  const json& weak = array_at(report, "weak_vhosts");
  if (weak.empty()) return "";
  std::string out = '\n' + style.heading("Virtual hosts with a weaker guarantee") + '\n';
  for (const json& each : weak) {
    const json& vhosts = array_at(each, "vhosts");
    std::string names;
    for (std::size_t i = 0; i < std::min(vhosts.size(), names_shown); i++) {
      if (!vhosts[i].is_string()) continue;
      names += (names.empty() ? "" : ", ") + vhosts[i].get<std::string>();
    }
    if (vhosts.size() > names_shown) {
      names += " and " + std::to_string(vhosts.size() - names_shown) + " more";
    }
    out += "  " + printable(names) + ":\n    " + printable(text_at(each, "text")) + "\n    -> " +
           printable(text_at(each, "remedy")) + '\n';
  }
  return out;
}

}  // namespace

json status_report(const Observed& observed) {
  const json& daemon = observed.daemon;
  json findings = json::array();
  check_httpd(daemon, findings);
  check_daemon(daemon, findings);
  check_logs(daemon, findings);

  json report;
  report["version"] = MAILORIGIN_VERSION;
  report["httpd"] = member(daemon, "httpd");
  report["daemon"] = {{"version", text_at(daemon, "version")},
                      {"pid", number_at(daemon, "pid")},
                      {"started", text_at(daemon, "started")}};
  report["policy"] = member(daemon, "policy");
  report["logs"] = {{"targets", number_at(member(daemon, "policy"), "targets")},
                    {"behind", number_at(daemon, "logs_behind")},
                    {"waiting", number_at(member(daemon, "journal"), "waiting")},
                    {"capacity", number_at(member(daemon, "journal"), "capacity")},
                    {"list", array_at(daemon, "logs")}};
  report["weak_vhosts"] = json::array();
  report["firewall"] = json::object();
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
    report["weak_vhosts"] = weak_vhosts(*observed.policy, observed.httpd_uid);
  }
  report["well"] = findings.empty();
  report["findings"] = std::move(findings);
  return report;
}

json status_report_without_daemon(const Error& error) {
  return {{"version", MAILORIGIN_VERSION},
          {"well", false},
          {"findings", json::array({daemon_unreachable(error)})}};
}

std::string status_text(const json& report, const Style& style) {
  const struct {
    const char* part;
    const char* label;
    std::string line;
  } lines[] = {{"httpd", "httpd     ", httpd_line(report)},
               {"daemon", "daemon    ", daemon_line(report)},
               {"logs", "logs      ", logs_line(report)},
               {"firewall", "firewall  ", firewall_line(report)}};
  // Without the daemon nothing is known of the others.
  const bool known = member(report, "daemon").is_object();
  std::string out;
  for (const auto& each : lines) {
    const bool judged = known || std::string_view(each.part) == "daemon";
    out += each.label + (judged ? headline(report, each.part, style) : std::string("?    ")) +
           "  " + printable(each.line) + '\n';
  }
  if (!array_at(report, "findings").empty()) {
    out += '\n' + findings_text(array_at(report, "findings"), style);
  }
  return out + weak_text(report, style);
}

}  // namespace mailorigin
