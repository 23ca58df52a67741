// Users and groups by name, as httpd.conf takes them.
#pragma once

#include <cstdint>
#include <string>

#include "core/policy.h"

namespace mailorigin::reports {

// The name, or "#uid" where there is none.
std::string user_text(std::uint32_t uid);
// Whom MailOriginRunAs names, else whom suexec's uid is of; empty where neither is known.
std::string user_of(const VhostPolicy& vhost);
// The name, or "#gid" where there is none; without MailOriginSmtpUsers' "@".
std::string group_text(std::uint32_t gid);

}  // namespace mailorigin::reports
