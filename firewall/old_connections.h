// Connections that are older than the firewall.
#pragma once

#include <cstddef>

#include "core/result.h"
#include "firewall/compiled_policy.h"

namespace mailorigin::firewall {

// Closes the TCP connections of this network namespace to a listed port whose uid
// could not open them now, connections_closed_limit at most: how many that were.
// Fails where the kernel cannot (no CONFIG_INET_DIAG_DESTROY).
Result<std::size_t> close_old_connections(const CompiledPolicy& policy);

}  // namespace mailorigin::firewall
