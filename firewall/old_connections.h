// Connections that are older than the policy in force.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/result.h"
#include "core/smtp_policy.h"
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

// One that was closed.
struct ClosedConnection {
  std::uint32_t uid = 0;    // who opened it; where nobody has noted that, its socket's
  std::uint32_t vhost = 0;  // the virtual host's id; 0: none is known
  IpAddress to{};
  std::uint16_t port = 0;
  std::uint64_t cookie =
      0;  // its event's, if it has one; 0: it was opened before there were events
};
struct ClosedConnections {
  std::size_t count = 0;
  std::vector<ClosedConnection> some;  // of them, at most closed_connections_said
};

// Closes TCP connections of this network namespace to a listed port, and tells of them. Of those
// that the hooks have let out under an earlier generation, all that `policy` refuses who opened
// them. Of others, with a policy of `before`, those that it let some virtual host of their
// socket's user have, and `policy` lets none; without one, those whose socket's uid could not
// open them now. Fails where the kernel cannot (no CONFIG_INET_DIAG_DESTROY).
Result<ClosedConnections> close_old_connections(const OldConnections& old);

// Of these only those that the hooks have let out: a connect() that was judged under an earlier
// generation may take as long as its process likes, and begin after the others were closed.
Result<ClosedConnections> close_late_connections(const OldConnections& old);

}  // namespace mailorigin::firewall
