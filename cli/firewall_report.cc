#include "cli/firewall_report.h"

#include "cli/accounts.h"
#include "cli/directives.h"
#include "cli/fields.h"
#include "cli/findings.h"

namespace mailorigin {

using nlohmann::json;

namespace {

json rules_of(const SmtpPolicy& smtp) {
  json allowed = json::array();
  for (const SmtpDestination& each : smtp.allow) allowed.push_back(smtp_destination_text(each));
  return {
      {"rule", smtp_text(smtp)}, {"allow", std::move(allowed)}, {"local", rule_name(smtp.local)}};
}

json rules_that_differ(const Policy& policy) {
  const json usual = rules_of(policy.server.smtp);
  json vhosts = json::array();
  for (const VhostPolicy& vhost : policy.vhosts) {
    json rules = rules_of(vhost.smtp);
    if (rules == usual) continue;
    rules["name"] = vhost.name;
    vhosts.push_back(std::move(rules));
  }
  return vhosts;
}

json accounts_of(const FirewallPolicy& firewall) {
  json accounts = json::array();
  for (const std::uint32_t uid : firewall.uids) accounts.push_back(user_text(uid));
  for (const std::uint32_t gid : firewall.gids) accounts.push_back('@' + group_text(gid));
  return accounts;
}

std::string list(const json& things) {
  std::string out;
  for (const json& thing : things) {
    if (!out.empty()) out += ' ';
    out += thing.is_string() ? thing.get<std::string>() : thing.dump();
  }
  return out.empty() ? "none" : out;
}

std::vector<std::string> row_of(const std::string& name, const json& rules) {
  const json& allowed = array_at(rules, "allow");
  return {name, text_at(rules, "rule"), allowed.empty() ? "-" : list(allowed),
          text_at(rules, "local")};
}

}  // namespace

json firewall_report(const Result<Policy>& policy, const Result<json>& answer,
                     bool policy_is_kept) {
  json findings = json::array();
  if (!policy) findings.push_back(daemon_unreachable(policy.error()));
  json report = answer ? *answer : json::object();
  report.erase("findings");
  report["running"] = static_cast<bool>(answer);
  // Where httpd.conf cannot be asked, what is in force is what is wanted.
  const auto mode = policy
                        ? policy->firewall.mode
                        : firewall_mode_named(text_at(report, "mode")).value_or(FirewallMode::on);
  for (const json& each : firewall_findings(mode, answer, policy_is_kept)) {
    findings.push_back(each);
  }
  report["wanted"] = firewall_mode_name(mode);
  if (policy) {
    report["ports"] = policy->firewall.ports;
    report["accounts"] = accounts_of(policy->firewall);
    report["default"] = rules_of(policy->server.smtp);
    report["vhosts_that_differ"] = rules_that_differ(*policy);
  }
  report["well"] = findings.empty();
  report["findings"] = std::move(findings);
  return report;
}

std::string firewall_text(const json& report, const Style& style) {
  if (text_at(report, "wanted") == "off") {
    const std::string to_do = findings_text(array_at(report, "findings"), style);
    return to_do.empty() ? "MailOriginFirewall is Off: nothing is enforced, nothing is counted.\n"
                         : to_do;
  }
  Table facts;
  facts.add({"wanted", text_at(report, "wanted")});
  if (flag_at(report, "running")) {
    facts.add({"in force", text_at(report, "mode") + ", by " + text_at(report, "engine")});
    if (report.contains("loaded_at")) facts.add({"since", text_at(report, "loaded_at")});
    facts.add({"processes", std::to_string(number_at(report, "processes")) +
                                " known by a request, " +
                                std::to_string(number_at(report, "older_workers")) +
                                " workers older than the firewall"});
  }
  facts.add({"ports", list(array_at(report, "ports"))});
  if (report.contains("accounts")) {
    const json& accounts = array_at(report, "accounts");
    facts.add({"always", accounts.empty() ? "root" : "root " + list(accounts)});
  }
  std::string out = facts.text();

  const json& counters = member(report, "counters");
  if (counters.is_object()) {
    Table table;
    for (const auto& [name, value] : counters.items()) table.add({name, value.dump()});
    out += '\n' + style.heading("Counted since it was loaded") + '\n' + table.text(2);
  }
  if (report.contains("default")) {
    Table table;
    table.add({"VHOST", "SMTP", "ALLOWED", "LOCAL"});
    table.add(row_of("(default)", report["default"]));
    for (const json& each : array_at(report, "vhosts_that_differ")) {
      table.add(row_of(text_at(each, "name"), each));
    }
    out += '\n' + table.text();
  }
  const std::string to_do = findings_text(array_at(report, "findings"), style);
  return out + (to_do.empty() ? "" : '\n' + to_do);
}

}  // namespace mailorigin
