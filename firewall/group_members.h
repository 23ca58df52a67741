// Who could take a group of MailOriginSmtpUsers for its own.
#pragma once

#include <string>
#include <vector>

#include "firewall/compiled_policy.h"

namespace mailorigin::firewall {

// Users that a virtual host runs as and that are members of such a group by its list:
// "user (group)". They can make a setgid program of it.
std::vector<std::string> tenants_in_groups(const CompiledPolicy& policy);

}  // namespace mailorigin::firewall
