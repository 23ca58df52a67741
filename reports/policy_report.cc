#include "reports/policy_report.h"

#include <string>
#include <string_view>
#include <utility>

#include "reports/accounts.h"
#include "reports/directives.h"
#include "reports/known_name.h"
#include "reports/smtp_facts.h"

namespace mailorigin::reports {

using nlohmann::json;

namespace {

bool is_named(const VhostPolicy& vhost, std::string_view name) {
  return vhost.name == name || vhost.site == name;
}

json facts_of(const Policy& policy, const VhostPolicy& vhost, bool is_server) {
  json facts;
  facts["name"] = vhost.name;
  if (!vhost.aliases.empty()) facts["aliases"] = vhost.aliases;
  facts["server"] = is_server;
  facts["docroot"] = vhost.docroot;
  facts["enabled"] = vhost.enabled;
  facts["strict"] = vhost.strict;
  if (vhost.run_as) facts["uid"] = *vhost.run_as;
  if (const std::string user = user_of(vhost); !user.empty()) facts["user"] = user;
  if (!vhost.run_as_fault.empty()) facts["run_as_fault"] = vhost.run_as_fault;
  if (!vhost.sections.empty()) facts["sections"] = vhost.sections;
  facts["send"] = rule_name(vhost.send);
  facts["denied_scripts"] = json::array();
  for (const ScriptRule& script : vhost.denied_scripts) {
    facts["denied_scripts"].push_back(script_text(script));
  }
  facts["limits"] = json::array();
  for (const LimitRule& limit : vhost.limits) facts["limits"].push_back(limit_text(limit));
  if (vhost.max_recipients) {
    facts["max_recipients"] = vhost.max_recipients->most;
    facts["max_recipients_action"] = rule_name(vhost.max_recipients->action);
  }
  facts["senders"] = vhost.sender.domains;
  if (!vhost.sender.domains.empty()) facts["senders_action"] = rule_name(vhost.sender.action);
  facts["smtp"] = smtp_facts(vhost.smtp);
  facts["logs"] = json::array();
  for (const LogRoute& log : vhost.logs) {
    facts["logs"].push_back(
        {{"target", target_text(policy.targets[log.target])}, {"format", log.format.text}});
  }
  facts["access_logs"] = vhost.access_logs;
  facts["headers"] = json::array();
  for (const HeaderRule& header : vhost.headers) {
    facts["headers"].push_back({{"name", header.name}, {"format", header.format}});
  }
  facts["directives"] = vhost_directives(policy, vhost);
  return facts;
}

}  // namespace

std::optional<json> policy_report(const Policy& policy, const std::string& vhost) {
  json vhosts = json::array();
  const std::string name = known_name(policy, vhost);
  const auto add = [&](const VhostPolicy& each, bool is_server) {
    if (vhost.empty() || is_named(each, name)) {
      vhosts.push_back(facts_of(policy, each, is_server));
    }
  };
  for (const VhostPolicy& each : policy.vhosts) add(each, false);
  // Of that name requests reach the virtual host.
  if (vhost.empty() || vhosts.empty()) add(policy.server, true);
  if (vhosts.empty()) return std::nullopt;
  return json{{"instance", policy.instance},
              {"server_directives", server_directives(policy)},
              {"vhosts", std::move(vhosts)}};
}

}  // namespace mailorigin::reports
