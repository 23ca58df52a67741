// A TCP connection over a loopback address, both of whose ends are this process's.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "core/fd.h"

namespace mailorigin::testing {

struct LoopbackConnection {
  explicit LoopbackConnection(int family) {
    const Fd listener(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    server_address.ss_family = static_cast<sa_family_t>(family);
    if (family == AF_INET) {
      reinterpret_cast<sockaddr_in&>(server_address).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
      reinterpret_cast<sockaddr_in6&>(server_address).sin6_addr = in6addr_loopback;
    }
    socklen_t size = sizeof server_address;
    auto* const at = reinterpret_cast<sockaddr*>(&server_address);
    EXPECT_EQ(bind(listener.get(), at, size), 0);
    EXPECT_EQ(listen(listener.get(), 1), 0);
    EXPECT_EQ(getsockname(listener.get(), at, &size), 0);
    client = Fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(connect(client.get(), at, size), 0);
    server = Fd(accept(listener.get(), nullptr, nullptr));
    size = sizeof client_address;
    EXPECT_EQ(getsockname(client.get(), reinterpret_cast<sockaddr*>(&client_address), &size), 0);
  }

  [[nodiscard]] in_port_t client_port() const { return port_of(client_address); }
  [[nodiscard]] in_port_t server_port() const { return port_of(server_address); }

  Fd client, server;
  sockaddr_storage client_address{}, server_address{};

 private:
  // In sockaddr_in and sockaddr_in6 it is at the same place.
  static in_port_t port_of(const sockaddr_storage& address) {
    return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
  }
};

}  // namespace mailorigin::testing
