// Users and groups by name, as httpd.conf takes them.
#pragma once

#include <cstdint>
#include <string>

namespace mailorigin::reports {

// The name, or "#uid" where there is none.
std::string user_text(std::uint32_t uid);
// The name, or "#gid" where there is none; without MailOriginSmtpUsers' "@".
std::string group_text(std::uint32_t gid);

}  // namespace mailorigin::reports
