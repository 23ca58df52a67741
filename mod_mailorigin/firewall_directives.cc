#include "mod_mailorigin/firewall_directives.h"

#include <algorithm>
#include <string>
#include <utility>

#include "mod_mailorigin/directive.h"
#include "mod_mailorigin/rule_arguments.h"

namespace mailorigin::httpd {

// MailOriginFirewall
const char* set_firewall(cmd_parms* cmd, const char* argument) {
  const auto mode = parse_firewall_mode(argument);
  if (!mode) return wrong(cmd, mode.error().message);
  server_target_of(cmd).firewall = *mode;
  return nullptr;
}

// MailOriginSmtpPorts
const char* add_smtp_port(cmd_parms* cmd, const char* argument) {
  const auto port = parse_port(argument);
  if (!port) return wrong(cmd, port.error().message);
  auto& ports = ensure(cmd, server_target_of(cmd).smtp_ports);
  if (std::find(ports.begin(), ports.end(), *port) == ports.end()) ports.push_back(*port);
  return nullptr;
}

// MailOriginSmtpUsers
const char* add_smtp_user(cmd_parms* cmd, const char* argument) {
  auto& accounts = ensure(cmd, server_target_of(cmd).smtp_accounts);
  if (strcasecmp(argument, "none") == 0) {
    accounts = {};
    return nullptr;
  }
  if (const Status added = add_smtp_account(argument, users_of(cmd->pool), accounts); !added) {
    return wrong(cmd, added.error().message);
  }
  return nullptr;
}

// MailOriginSmtp
const char* set_smtp(cmd_parms* cmd, const char* rule, const char* relay) {
  auto choice = parse_smtp_choice(rule, relay == nullptr ? "" : relay);
  if (!choice) return wrong(cmd, choice.error().message);
  target_of(cmd).smtp = nullptr;  // the last line counts
  ensure(cmd, target_of(cmd).smtp) = *std::move(choice);
  return nullptr;
}

// MailOriginSmtpAllow
const char* add_smtp_destination(cmd_parms* cmd, const char* argument) {
  auto& allowed = ensure(cmd, target_of(cmd).smtp_allow);
  if (strcasecmp(argument, "none") == 0) {
    allowed.clear();
    return nullptr;
  }
  auto destination = parse_smtp_destination(argument);
  if (!destination) return wrong(cmd, destination.error().message);
  allowed.push_back(*std::move(destination));
  return nullptr;
}

// MailOriginSmtpLocal
const char* set_smtp_local(cmd_parms* cmd, const char* argument) {
  const auto rule = parse_rule(argument);
  if (!rule) return wrong(cmd, rule.error().message);
  target_of(cmd).smtp_local = *rule;
  return nullptr;
}

}  // namespace mailorigin::httpd
