// Connections that are older than the policy in force.
#pragma once

#include <cstddef>

#include "core/result.h"
#include "firewall/compiled_policy.h"

namespace mailorigin::firewall {

// Closes TCP connections of this network namespace to a listed port: how many that were. With a
// policy of `before`, those that it let some virtual host of their user have, and `policy` lets
// none; without one, those that are older than any, and so without a context, and whose uid could
// not open them now. Fails where the kernel cannot (no CONFIG_INET_DIAG_DESTROY).
Result<std::size_t> close_old_connections(const CompiledPolicy& policy,
                                          const CompiledPolicy* before);

}  // namespace mailorigin::firewall
