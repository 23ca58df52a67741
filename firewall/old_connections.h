// Connections that are older than the policy in force.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/result.h"
#include "firewall/closer.h"
#include "firewall/compiled_policy.h"
#include "firewall/sock_diag.h"

namespace mailorigin::firewall {

// Which connections are looked at, and by what.
struct OldConnections {
  const CompiledPolicy& policy;
  // What held until then; null: nothing did.
  const CompiledPolicy* before = nullptr;
  // The map of who opened each, the mark of what the hooks let out, and the generation that
  // `policy` began with; no programs: -1, and a mark of no bits.
  int openers = -1;
  Mark mark{};
  std::uint32_t generation = 0;
};

struct NamedConnections {
  std::size_t count = 0;
  std::vector<TcpConnection> some;  // of them, at most closed_connections_said
};
struct ClosedConnections {
  NamedConnections closed;
  NamedConnections kept_busy;  // Closer::Outcome
};

// Closes TCP connections of this network namespace, and tells of them. Of those that the hooks have
// let out under an earlier generation, to a relay's port too, all that `policy` refuses who opened
// them. Of others to a port of `policy`, with a policy of `before`, those that it let some virtual
// host of their socket's user have, or did not look at, and `policy` lets none; without one, those
// whose socket's uid could not open them now. What `closer` cannot close it holds up.
Result<ClosedConnections> close_old_connections(const OldConnections& old, Closer& closer);

// Of these only those that the hooks have let out: a connect() that was judged under an earlier
// generation may take as long as its process likes, and begin after the others were closed.
Result<ClosedConnections> close_late_connections(const OldConnections& old, Closer& closer);

// Of what `closer` holds up: forgets what has ended or may stay under the policy in force, without
// one before it, and has closed what had no turn yet.
void look_after_held_up(const OldConnections& old, Closer& closer);

}  // namespace mailorigin::firewall
