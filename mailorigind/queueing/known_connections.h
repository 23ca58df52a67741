// KnownConnections: connections to SMTP ports that the firewall has seen of late. Who sees
// a mail server's end of one learns here whose the other end is.
#pragma once

#include <cstdint>
#include <list>
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

// The last connections_known, of one uid connections_known_per_user. Of a socket, which can be
// disconnected and connected anew, the newest.
class KnownConnections {
 public:
  void add(const mo_smtp_event& event);
  // By the kernel's number of its socket and, where that is known, the time when it was opened
  // (mo_smtp_event.boottime_ns); of those that are still in `ring`, too, if that is not null.
  // Nothing if it is not known.
  [[nodiscard]] std::optional<mo_smtp_event> find(std::uint64_t cookie,
                                                  std::optional<std::uint64_t> opened_ns,
                                                  KernelRing* ring) const;

 private:
  using Cookies = std::list<std::uint64_t>;
  struct Record {
    std::string bytes;  // of the event, without what it leaves out at its end
    std::uint32_t uid;
    Cookies::iterator place, place_of_user;
  };
  void drop(std::uint64_t cookie);

  std::unordered_map<std::uint64_t, Record> records_;
  Cookies oldest_first_;
  std::unordered_map<std::uint32_t, Cookies> of_user_;
};

}  // namespace mailorigin::daemon
