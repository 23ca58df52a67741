// The accounts of mail servers that this host has.
#pragma once

#include <string>
#include <vector>

#include "firewall/compiled_policy.h"

namespace mailorigin::firewall {

// Those that a mail server delivers under, and that the policy would refuse.
std::vector<std::string> refused_mail_accounts(const CompiledPolicy& policy);

}  // namespace mailorigin::firewall
