// Connections that are older than the policy in force.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/result.h"
#include "firewall/compiled_policy.h"

namespace mailorigin::firewall {

// Which connections are looked at, and by what.
struct OldConnections {
  const CompiledPolicy& policy;
  // What held until then; null: nothing did.
  const CompiledPolicy* before = nullptr;
  // The map of who opened each, and the generation that `policy` began with; none: -1.
  int openers = -1;
  std::uint32_t generation = 0;
};

// Closes TCP connections of this network namespace to a listed port: how many that were. Of those
// that the hooks have let out under an earlier generation, all that `policy` refuses who opened
// them. Of others, with a policy of `before`, those that it let some virtual host of their
// socket's user have, and `policy` lets none; without one, those whose socket's uid could not
// open them now. Fails where the kernel cannot (no CONFIG_INET_DIAG_DESTROY).
Result<std::size_t> close_old_connections(const OldConnections& old);

// Of these only those that the hooks have let out: a connect() that was judged under an earlier
// generation may take as long as its process likes, and begin after the others were closed.
Result<std::size_t> close_late_connections(const OldConnections& old);

}  // namespace mailorigin::firewall
