// The arguments of the directives that say who may connect to SMTP ports. Knows
// no httpd.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/smtp_policy.h"
#include "mod_mailorigin/arguments.h"

namespace mailorigin::httpd {

// Off, observe or On.
Result<FirewallMode> parse_firewall_mode(std::string_view argument);

// A port's number.
Result<std::uint16_t> parse_port(std::string_view argument);

// MailOriginSmtpUsers: users and groups.
struct SmtpAccounts {
  std::vector<std::uint32_t> uids;
  std::vector<std::uint32_t> gids;
};
// Adds user, #uid, @group or @#gid, which must exist where they are names.
Status add_smtp_account(std::string_view argument, Users& users, SmtpAccounts& accounts);

// MailOriginSmtp: a rule, and where `redirect` leads.
struct SmtpChoice {
  SmtpRule rule = SmtpRule::deny;
  SmtpDestination relay;
};
// `relay` is empty where no second argument is given.
Result<SmtpChoice> parse_smtp_choice(std::string_view rule, std::string_view relay);

}  // namespace mailorigin::httpd
