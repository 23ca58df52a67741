#include "firewall/old_connections.h"

#include <algorithm>
#include <set>
#include <utility>

#include "firewall/limits.h"
#include "firewall/opener.h"

namespace mailorigin::firewall {

namespace {

enum class Which : std::uint8_t { all, late };

bool stays(const OldConnections& old, Which which, const TcpConnection& connection) {
  if (connection.opener) {
    // Judged under this policy, or one that differs in its names' addresses alone.
    const std::uint32_t generation = connection.opener->generation;
    return static_cast<std::int32_t>(generation - old.generation) >= 0 ||
           may_stay(old.policy, old.before, *connection.opener, connection.to, connection.to_port);
  }
  const std::uint16_t port = connection.to_port;
  if (which == Which::late || !old.policy.ports.contains(port)) return true;
  const auto may_be = [&](const CompiledPolicy& policy) {
    return may_be_open(policy, connection.uid, connection.to, port);
  };
  if (old.before == nullptr) {
    return decide_by_uid(old.policy, connection.uid, connection.to, port).verdict != mo_deny;
  }
  // An address that a name has had is in neither: that is nobody's decision.
  return may_be(old.policy) || (old.before->ports.contains(port) && !may_be(*old.before));
}

void add(const std::vector<TcpConnection>& all, NamedConnections& to) {
  to.count += all.size();
  for (const TcpConnection& each : all) {
    if (to.some.size() < closed_connections_said) to.some.push_back(each);
  }
}

Result<ClosedConnections> close(const OldConnections& old, Which which, Closer& closer) {
  auto diag = SockDiag::open();
  if (!diag) return diag.error();
  ClosedConnections result;
  // Linux before 6.10 leaves what has no process any more where it is, with nothing to send.
  std::set<std::uint64_t> gone;
  for (;;) {
    std::vector<TcpConnection> found;
    const Status listed =
        diag->list({old.policy.ports, old.mark, old.openers}, [&](const TcpConnection& each) {
          if (found.size() < connections_closed_at_once && !gone.contains(each.cookie) &&
              !closer.held_up().contains(each.cookie) && !stays(old, which, each)) {
            found.push_back(each);
          }
        });
    if (!listed) return listed.error();
    const Closer::Outcome outcome = closer.close(found);
    for (const TcpConnection& each : outcome.closed) gone.insert(each.cookie);
    add(outcome.closed, result.closed);
    add(outcome.kept_busy, result.kept_busy);
    // However many there are: the last one of a flood is the one that matters. What was not closed
    // is held up, and not found again.
    if (found.size() < connections_closed_at_once) return result;
  }
}

}  // namespace

Result<ClosedConnections> close_old_connections(const OldConnections& old, Closer& closer) {
  return close(old, Which::all, closer);
}

Result<ClosedConnections> close_late_connections(const OldConnections& old, Closer& closer) {
  return close(old, Which::late, closer);
}

void look_after_held_up(const OldConnections& old, Closer& closer) {
  auto diag = SockDiag::open();
  if (!diag) return;
  std::set<std::uint64_t> held_up;
  std::vector<TcpConnection> again;
  const Status listed =
      diag->list({old.policy.ports, old.mark, old.openers}, [&](const TcpConnection& each) {
        if (!closer.held_up().contains(each.cookie) || stays(old, Which::all, each)) return;
        held_up.insert(each.cookie);
        if (!closer.is_being_closed(each.cookie)) again.push_back(each);
      });
  if (!listed) return;
  closer.keep(held_up);
  (void)closer.close(again);
}

}  // namespace mailorigin::firewall
