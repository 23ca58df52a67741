#include "cli/policy_report.h"

#include "cli/accounts.h"
#include "cli/directives.h"
#include "cli/fields.h"
#include "core/text.h"

namespace mailorigin {

using nlohmann::json;

namespace {

constexpr std::string_view nothing = "-";

bool is_named(const VhostPolicy& vhost, std::string_view name) {
  const std::string_view full = vhost.name;
  return equal_ignoring_case(full, name) ||
         equal_ignoring_case(full.substr(0, full.rfind(':')), name);
}

json facts_of(const Policy& policy, const VhostPolicy& vhost, bool is_server) {
  json facts;
  facts["name"] = vhost.name;
  facts["server"] = is_server;
  facts["docroot"] = vhost.docroot;
  facts["enabled"] = vhost.enabled;
  if (vhost.run_as) {
    facts["uid"] = *vhost.run_as;
    facts["user"] = user_text(*vhost.run_as);
  }
  facts["send"] = rule_name(vhost.send);
  facts["denied_scripts"] = vhost.denied_scripts;
  facts["limits"] = json::array();
  for (const LimitRule& limit : vhost.limits) facts["limits"].push_back(limit_text(limit));
  if (vhost.max_recipients) facts["max_recipients"] = *vhost.max_recipients;
  facts["senders"] = vhost.sender_domains;
  json allowed = json::array();
  for (const SmtpDestination& each : vhost.smtp.allow) {
    allowed.push_back(smtp_destination_text(each));
  }
  facts["smtp"] = {{"rule", smtp_text(vhost.smtp)},
                   {"allow", std::move(allowed)},
                   {"local", rule_name(vhost.smtp.local)}};
  facts["logs"] = json::array();
  for (const LogRoute& log : vhost.logs) {
    facts["logs"].push_back(
        {{"target", target_text(policy.targets[log.target])}, {"format", log.format.text}});
  }
  facts["headers"] = json::array();
  for (const HeaderRule& header : vhost.headers) {
    facts["headers"].push_back({{"name", header.name}, {"format", header.format}});
  }
  facts["directives"] = vhost_directives(policy, vhost);
  return facts;
}

std::string joined(const json& texts, std::string_view separator) {
  std::string out;
  for (const json& text : texts) {
    if (!out.empty()) out += separator;
    out += text.get<std::string>();
  }
  return out.empty() ? std::string(nothing) : out;
}

std::string send_cell(const json& vhost) {
  if (!flag_at(vhost, "enabled")) return "MailOrigin Off";
  std::string out = text_at(vhost, "send");
  if (!array_at(vhost, "denied_scripts").empty()) out += ", not some scripts";
  if (!array_at(vhost, "senders").empty()) out += ", some senders";
  return out;
}

std::string limits_cell(const json& vhost) {
  std::string out = joined(array_at(vhost, "limits"), "; ");
  if (vhost.contains("max_recipients")) {
    if (out == nothing) out.clear();
    out += (out.empty() ? "" : "; ") + std::to_string(number_at(vhost, "max_recipients")) +
           " recipients";
  }
  return out;
}

std::string smtp_cell(const json& vhost) {
  const json& smtp = member(vhost, "smtp");
  std::string out = text_at(smtp, "rule");
  const std::size_t allowed = array_at(smtp, "allow").size();
  if (allowed > 0) out += " but " + std::to_string(allowed);
  return out;
}

std::string logs_cell(const json& vhost) {
  std::string out;
  for (const json& log : array_at(vhost, "logs")) {
    out += (out.empty() ? "" : ", ") + text_at(log, "target");
  }
  return out.empty() ? std::string(nothing) : out;
}

}  // namespace

std::optional<json> policy_report(const Policy& policy, const std::string& vhost) {
  json vhosts = json::array();
  const auto add = [&](const VhostPolicy& each, bool is_server) {
    if (vhost.empty() || is_named(each, vhost)) {
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

std::string policy_text(const json& report, bool whole, const Style& style) {
  std::string out;
  if (whole) {
    for (const json& vhost : array_at(report, "vhosts")) {
      if (!out.empty()) out += '\n';
      const bool server = flag_at(vhost, "server");
      out += style.heading("# " + printable(text_at(vhost, "name")) +
                           (server ? ", outside of virtual hosts" : "")) +
             '\n';
      for (const json& line : array_at(vhost, "directives")) {
        out += printable(line.get<std::string>()) + '\n';
      }
      if (!server) continue;
      for (const json& line : array_at(report, "server_directives")) {
        out += printable(line.get<std::string>()) + '\n';
      }
    }
    return out;
  }
  Table table;
  table.add({"VHOST", "USER", "SEND", "LIMITS", "SMTP", "LOGS"});
  for (const json& vhost : array_at(report, "vhosts")) {
    const std::string user = text_at(vhost, "user");
    table.add({text_at(vhost, "name") + (flag_at(vhost, "server") ? " (server)" : ""),
               user.empty() ? std::string(nothing) : user, send_cell(vhost), limits_cell(vhost),
               smtp_cell(vhost), logs_cell(vhost)});
  }
  return table.text() + '\n' + joined(array_at(report, "server_directives"), "\n") + '\n';
}

}  // namespace mailorigin
