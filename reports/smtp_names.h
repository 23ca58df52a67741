// The names by which httpd.conf knows the addresses of mail servers.
#pragma once

#include <map>
#include <string>

#include "core/policy.h"

namespace mailorigin::reports {

using NamesOfAddresses = std::map<IpAddress, std::string>;

// Of the hosts that MailOriginSmtpAllow and `MailOriginSmtp redirect` name: at most 256, each
// asked for once. What does not resolve is left out.
NamesOfAddresses resolve_names(const Policy& policy);

}  // namespace mailorigin::reports
