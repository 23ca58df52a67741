// Whose connection is it? What the kernel says of the other end of one to this machine.
#pragma once

#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/fd.h"
#include "core/wire/queueing.h"

namespace mailorigin::service {

// One end of a TCP connection.
struct End {
  bool ipv6 = false;
  std::array<std::uint8_t, 16> address{};  // the first four bytes of it, if it is not
  std::uint16_t port = 0;

  [[nodiscard]] bool is_loopback() const;
  // As mailorigind is told.
  [[nodiscard]] TcpEnd told() const;
};
// Nothing for another family. An IPv4 address in IPv6's clothes is IPv4.
std::optional<End> end_of(const sockaddr* address);
std::optional<End> end_of(std::string_view address, std::uint16_t port);

struct ConnectionOwner {
  End client, server;        // as asked
  std::uint64_t cookie = 0;  // the kernel's number of the socket
  // Who made it: where a firewall notes that, another may have opened the connection. Nothing where
  // its process has closed it already: the kernel then says 0, which is not root.
  std::optional<std::uint32_t> uid;
};

// The socket on this machine whose own end is `client` and whose peer is `server`: nothing if
// there is none, any more, or if the kernel does not answer. One exact question (inet_diag),
// that costs the same however many connections there are.
std::optional<ConnectionOwner> find_owner(const End& client, const End& server);

}  // namespace mailorigin::service
