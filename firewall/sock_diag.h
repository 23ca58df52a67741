// SockDiag: TCP connections as the kernel lists them, and their end (sock_diag(7)).
#pragma once

#include <linux/inet_diag.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "core/fd.h"
#include "core/result.h"
#include "core/smtp_policy.h"
#include "firewall/kernel/maps.h"
#include "firewall/mark.h"

namespace mailorigin::firewall {

// One of this network namespace.
struct TcpConnection {
  std::uint8_t family = 0;  // its socket's
  inet_diag_sockid id{};    // as it is asked for by
  IpAddress from{}, to{};   // IPv4 as mapped addresses
  std::uint16_t from_port = 0, to_port = 0;
  std::uint32_t uid = 0;              // who made the socket
  std::uint64_t cookie = 0;           // the socket's own number
  std::optional<mo_opener> opener{};  // what the hooks have kept with it
};

class SockDiag {
 public:
  // Which are listed: those whose packets have the mark, and those to a port.
  struct Wanted {
    const std::set<std::uint16_t>& ports;
    Mark mark;         // of no bits: none has it
    int openers = -1;  // the map of who opened each, or -1
  };
  using Visit = std::function<void(const TcpConnection&)>;

  static Result<SockDiag> open();

  // Calls visit for each that may still send. Needs CAP_NET_ADMIN, and CAP_BPF for the map.
  Status list(const Wanted& wanted, const Visit& visit);
  // 0, or an errno value: ENOENT where it has ended, EOPNOTSUPP where the kernel cannot (no
  // CONFIG_INET_DIAG_DESTROY). Waits as long as one of the connection's processes has the
  // kernel keep its socket's lock.
  int destroy(const TcpConnection& connection);

 private:
  explicit SockDiag(Fd socket) : socket_(std::move(socket)) {}
  Status list(const std::string& request, const Visit& visit);

  Fd socket_;
};

}  // namespace mailorigin::firewall
