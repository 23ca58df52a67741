#include "reports/directives.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "reports/accounts.h"

namespace mailorigin::reports {

namespace {

std::string line(std::string_view directive, const std::vector<std::string>& arguments) {
  std::string out(directive);
  for (const std::string& argument : arguments) out += ' ' + quoted_argument(argument);
  return out;
}

std::string_view period_name(std::uint64_t period_ns) {
  const auto* const period =
      std::find_if(std::begin(rate_periods), std::end(rate_periods),
                   [&](const RatePeriod& each) { return each.nanoseconds == period_ns; });
  return period == std::end(rate_periods) ? "" : period->name;
}

// What is no default.
std::string action_text(Rule action) {
  return action == Rule::deny ? "" : "action=" + std::string(rule_name(action));
}

void add_rules(std::vector<std::string>& out, const VhostPolicy& vhost) {
  out.push_back(line("MailOriginSend", {std::string(rule_name(vhost.send))}));
  for (const ScriptRule& script : vhost.denied_scripts) {
    // A line for each action that follows another.
    const bool goes_on =
        &script != vhost.denied_scripts.data() && (&script)[-1].action == script.action;
    if (goes_on) {
      out.back() += ' ' + quoted_argument(script.expression);
    } else {
      out.push_back("MailOriginDenyScript " + script_text(script));
    }
  }
  if (vhost.denied_scripts.empty()) out.emplace_back("MailOriginDenyScript none");
  for (const LimitRule& limit : vhost.limits) out.push_back("MailOriginLimit " + limit_text(limit));
  if (vhost.limits.empty()) out.emplace_back("MailOriginLimit none");
  out.push_back("MailOriginMaxRecipients " +
                (vhost.max_recipients ? recipients_text(*vhost.max_recipients) : "none"));
  out.push_back("MailOriginSender " +
                (vhost.sender.domains.empty() ? "any" : sender_text(vhost.sender)));
}

void add_smtp(std::vector<std::string>& out, const SmtpPolicy& smtp) {
  out.push_back("MailOriginSmtp " + smtp_text(smtp));
  std::vector<std::string> allowed;
  for (const SmtpDestination& each : smtp.allow) allowed.push_back(smtp_destination_text(each));
  if (allowed.empty()) allowed.emplace_back("none");
  out.push_back(line("MailOriginSmtpAllow", allowed));
  out.push_back("MailOriginSmtpLocal " + std::string(rule_name(smtp.local)));
}

}  // namespace

std::string quoted_argument(std::string_view argument) {
  const bool plain =
      !argument.empty() && argument.find_first_of(" \t\"'\\") == std::string_view::npos;
  if (plain) return std::string(argument);
  std::string out = "\"";
  for (const char c : argument) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string limit_text(const LimitRule& limit) {
  std::string out = std::to_string(limit.rate.units) + '/';
  out += period_name(limit.rate.period_ns);
  if (limit.rate.burst != limit.rate.units) out += " burst=" + std::to_string(limit.rate.burst);
  if (limit.per == LimitRule::Per::script) out += " per=script";
  if (limit.per == LimitRule::Per::uid) out += " per=uid";
  if (limit.count == LimitRule::Count::recipients) out += " count=recipients";
  if (limit.action != Rule::deny) out += ' ' + action_text(limit.action);
  return out;
}

std::string script_text(const ScriptRule& rule) {
  std::string out = action_text(rule.action);
  return out + (out.empty() ? "" : " ") + quoted_argument(rule.expression);
}

std::string recipients_text(const RecipientsRule& rule) {
  std::string out = std::to_string(rule.most);
  return rule.action == Rule::deny ? out : out + ' ' + action_text(rule.action);
}

std::string sender_text(const SenderRule& rule) {
  std::string out = action_text(rule.action);
  for (const std::string& domain : rule.domains) out += (out.empty() ? "" : " ") + domain;
  return out;
}

std::string smtp_text(const SmtpPolicy& smtp) {
  std::string out(smtp_rule_name(smtp.rule));
  if (smtp.rule == SmtpRule::redirect) out += ' ' + smtp_destination_text(smtp.relay);
  return out;
}

std::string target_text(const LogTarget& target) {
  if (target.kind == LogTarget::Kind::syslog) return "syslog:" + target.name;
  return target.name;
}

std::vector<std::string> vhost_directives(const Policy& policy, const VhostPolicy& vhost) {
  std::vector<std::string> out;
  for (const std::string& section : vhost.sections) out.push_back("# with " + section);
  out.emplace_back(vhost.enabled ? "MailOrigin On" : "MailOrigin Off");
  out.emplace_back(vhost.strict ? "MailOriginStrict On" : "MailOriginStrict Off");
  if (const std::string user = user_of(vhost); !user.empty()) {
    out.push_back(line("MailOriginRunAs", {user}));
  }
  if (!vhost.run_as_fault.empty()) {
    out.push_back("# MailOriginRunAs owner: nobody, " + vhost.run_as_fault);
  }
  for (const LogRoute& log : vhost.logs) {
    out.push_back(
        line("MailOriginLog", {target_text(policy.targets[log.target]), log.format.text}));
  }
  if (vhost.logs.empty()) out.emplace_back("MailOriginLog none");
  for (const HeaderRule& header : vhost.headers) {
    out.push_back(line("MailOriginHeader", {header.name, header.format}));
  }
  if (vhost.headers.empty()) out.emplace_back("MailOriginHeader none");
  add_rules(out, vhost);
  add_smtp(out, vhost.smtp);
  return out;
}

std::vector<std::string> server_directives(const Policy& policy) {
  std::vector<std::string> out;
  const FirewallPolicy& firewall = policy.firewall;
  out.push_back("MailOriginUnverified " + std::string(rule_name(policy.unverified)));
  out.push_back(firewall.mode == FirewallMode::on        ? "MailOriginFirewall On"
                : firewall.mode == FirewallMode::observe ? "MailOriginFirewall observe"
                                                         : "MailOriginFirewall Off");
  std::vector<std::string> ports;
  for (const std::uint16_t port : firewall.ports) ports.push_back(std::to_string(port));
  out.push_back(line("MailOriginSmtpPorts", ports));
  std::vector<std::string> accounts;
  for (const std::uint32_t uid : firewall.uids) accounts.push_back(user_text(uid));
  for (const std::uint32_t gid : firewall.gids) accounts.push_back('@' + group_text(gid));
  if (accounts.empty()) accounts.emplace_back("none");
  out.push_back(line("MailOriginSmtpUsers", accounts));
  out.push_back("MailOriginUnrecorded " + std::string(rule_name(policy.queue.unrecorded)));
  std::vector<std::string> trusted;
  for (const std::uint32_t uid : policy.queue.trusted_uids) trusted.push_back(user_text(uid));
  if (trusted.empty()) trusted.emplace_back("none");
  out.push_back(line("MailOriginTrustedSubmitters", trusted));
  const StorePolicy& store = policy.store;
  if (!store.enabled) {
    out.emplace_back("MailOriginStore Off");
  } else if (!store.params.empty()) {
    out.push_back(line("MailOriginStore", {store.driver, store.params}));
  } else {
    // As the docs say the default: where that is the daemon knows.
    out.push_back("MailOriginStore " + store.driver + " <state dir>/mail.db");
  }
  if (store.enabled) {
    out.push_back("MailOriginRetain " + std::to_string(store.retained_days) + 'd');
  }
  return out;
}

}  // namespace mailorigin::reports
