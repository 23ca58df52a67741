#include "reports/firewall_report.h"

#include <cstdint>
#include <utility>

#include "reports/accounts.h"
#include "reports/fields.h"
#include "reports/findings.h"
#include "reports/smtp_facts.h"

namespace mailorigin::reports {

using nlohmann::json;

namespace {

json rules_that_differ(const Policy& policy) {
  const json usual = smtp_facts(policy.server.smtp);
  json vhosts = json::array();
  for (const VhostPolicy& vhost : policy.vhosts) {
    json rules = smtp_facts(vhost.smtp);
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

}  // namespace

json firewall_report(const Result<Policy>& policy, const Result<json>& answer,
                     std::optional<bool> policy_is_kept) {
  json findings = json::array();
  if (!policy) findings.push_back(finding("daemon", policy.error()));
  json report = answer ? *answer : json::object();
  report.erase("findings");
  report["running"] = static_cast<bool>(answer);
  // Where httpd.conf cannot be asked, what is in force is what is wanted.
  const auto mode =
      policy ? std::optional(policy->firewall.mode) : firewall_mode_named(text_at(report, "mode"));
  for (const json& each :
       firewall_findings(mode.value_or(FirewallMode::on), answer, policy_is_kept)) {
    findings.push_back(each);
  }
  if (mode) report["wanted"] = firewall_mode_name(*mode);
  if (policy) {
    report["ports"] = policy->firewall.ports;
    report["accounts"] = accounts_of(policy->firewall);
    report["default"] = smtp_facts(policy->server.smtp);
    report["vhosts_that_differ"] = rules_that_differ(*policy);
  }
  report["well"] = findings.empty();
  report["findings"] = std::move(findings);
  return report;
}

}  // namespace mailorigin::reports
