// A policy in httpd.conf's own words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/policy.h"

namespace mailorigin::reports {

// One argument as httpd reads it back: in quotes where it needs them.
std::string quoted_argument(std::string_view argument);

// "200/hour burst=50 per=script", what is the default left out.
std::string limit_text(const LimitRule& limit);
// "action=observe /uploads/", as MailOriginDenyScript takes it.
std::string script_text(const ScriptRule& rule);
// "50", "50 action=observe".
std::string recipients_text(const RecipientsRule& rule);
// "action=observe shop.example"; not for a rule without domains.
std::string sender_text(const SenderRule& rule);
// "deny", "redirect relay.example:25".
std::string smtp_text(const SmtpPolicy& smtp);
// As MailOriginLog's first argument, without quotes.
std::string target_text(const LogTarget& target);

// All directives of a virtual host, one line each, in effect and therefore also
// those that the configuration leaves to the server or to a default. `vhost` is one of
// the policy's.
std::vector<std::string> vhost_directives(const Policy& policy, const VhostPolicy& vhost);

// Those that hold for the whole server.
std::vector<std::string> server_directives(const Policy& policy);

}  // namespace mailorigin::reports
