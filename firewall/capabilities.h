// From root to a user that keeps three capabilities.
#pragma once

#include "core/result.h"
#include "service/privileges.h"

namespace mailorigin::firewall {

// Gives up root for good, but for CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, as many
// of them as there are: without one, what needs it fails later and says so. No
// program that this process might execute gets any.
Status become_with_capabilities(const service::Account& account);

}  // namespace mailorigin::firewall
