// KnownConnections: connections to SMTP ports that the firewall has seen of late. Who sees
// a mail server's end of one learns here whose the other end is.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>

#include "core/abi/layout.h"
#include "core/context.h"
#include "core/key.h"
#include "core/policy.h"
#include "core/unix_socket.h"
#include "mailorigind/connections/kernel_ring.h"
#include "mailorigind/moment.h"

namespace mailorigin::daemon {

struct KnownConnection {
  Credentials credentials;         // of the process that connected
  std::optional<Context> context;  // its seal held, in the kernel
  // Of the call of PHP's that connected.
  std::string file, caller;
  std::uint64_t line = 0;
  std::string comm, exe;
  bool detached = false;
};

// What `event` says. Of a context whose details were too long for it, the virtual host is
// `policy`'s.
KnownConnection known_connection(const mo_smtp_event& event, const std::optional<KeyRing>& keys,
                                 const Policy& policy, std::uint64_t boottime_ns);

// The last connections_known, of one uid connections_known_per_user.
class KnownConnections {
 public:
  void add(const mo_smtp_event& event);
  // By the kernel's number of its socket; of those that are still in `ring`, too, if that is
  // not null. Nothing if it is not known.
  [[nodiscard]] std::optional<mo_smtp_event> find(std::uint64_t cookie, KernelRing* ring) const;

 private:
  void drop(std::uint64_t cookie);

  // Without what a record leaves out at its end.
  std::unordered_map<std::uint64_t, std::string> records_;
  std::deque<std::uint64_t> oldest_first_;
  std::unordered_map<std::uint32_t, std::deque<std::uint64_t>> of_user_;
};

}  // namespace mailorigin::daemon
