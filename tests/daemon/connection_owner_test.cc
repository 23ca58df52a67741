#include "service/connection_owner.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <optional>

#include "core/fd.h"
#include "tests/harness/loopback.h"

namespace mailorigin::service {
namespace {

std::optional<ConnectionOwner> owner_of(const testing::LoopbackConnection& connection) {
  return find_owner(end_of(reinterpret_cast<const sockaddr*>(&connection.client_address)).value(),
                    end_of(reinterpret_cast<const sockaddr*>(&connection.server_address)).value());
}

TEST(ConnectionOwner, IsTheKernels) {
  for (const int family : {AF_INET, AF_INET6}) {
    const testing::LoopbackConnection connection(family);
    const auto owner = owner_of(connection);
    ASSERT_TRUE(owner);
    EXPECT_EQ(owner->uid, geteuid());
    std::uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    ASSERT_EQ(getsockopt(connection.client.get(), SOL_SOCKET, SO_COOKIE, &cookie, &size), 0);
    EXPECT_EQ(owner->cookie, cookie);
  }
}

// Mail servers write its address as IPv4's.
TEST(ConnectionOwner, IsTheKernelsOfAMappedAddress) {
  const Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(listen(listener.get(), 1), 0);
  sockaddr_in server{};
  socklen_t size = sizeof server;
  ASSERT_EQ(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&server), &size), 0);
  sockaddr_in6 mapped{};
  mapped.sin6_family = AF_INET6;
  mapped.sin6_port = server.sin_port;
  ASSERT_EQ(inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.sin6_addr), 1);
  const Fd client(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  size = sizeof mapped;
  auto* const at = reinterpret_cast<sockaddr*>(&mapped);
  ASSERT_EQ(connect(client.get(), at, size), 0);
  ASSERT_EQ(getsockname(client.get(), at, &size), 0);
  const auto owner = find_owner(end_of("127.0.0.1", ntohs(mapped.sin6_port)).value(),
                                end_of("127.0.0.1", ntohs(server.sin_port)).value());
  ASSERT_TRUE(owner);
  EXPECT_EQ(owner->uid, geteuid());
  EXPECT_NE(owner->cookie, 0U);
  const SixteenBytes told = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
  EXPECT_EQ(owner->client.told(), (TcpEnd{told, ntohs(mapped.sin6_port)}));
  EXPECT_EQ(owner->server.told(), (TcpEnd{told, ntohs(server.sin_port)}));
}

// The kernel then says uid 0.
TEST(ConnectionOwner, IsNobodyWhoHasClosedIt) {
  testing::LoopbackConnection connection(AF_INET);
  connection.client.reset();
  const auto owner = owner_of(connection);
  EXPECT_TRUE(!owner || !owner->uid);
}

TEST(ConnectionOwner, IsNobodyWhoListensOnThePort) {
  const Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const at = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(bind(listener.get(), at, size), 0);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  ASSERT_EQ(getsockname(listener.get(), at, &size), 0);
  End server = end_of("127.0.0.1", 25).value();
  EXPECT_FALSE(find_owner(end_of(at).value(), server));
}

TEST(End, OfAnAddress) {
  EXPECT_TRUE(end_of("127.0.0.2", 1)->is_loopback());
  EXPECT_TRUE(end_of("::1", 1)->is_loopback());
  EXPECT_TRUE(end_of("IPv6:::1", 1)->is_loopback());
  EXPECT_TRUE(end_of("::ffff:127.0.0.1", 1)->is_loopback());
  EXPECT_FALSE(end_of("::ffff:127.0.0.1", 1)->ipv6);
  EXPECT_FALSE(end_of("192.0.2.1", 1)->is_loopback());
  EXPECT_FALSE(end_of("::", 1)->is_loopback());
  EXPECT_FALSE(end_of("unknown", 1));
}

}  // namespace
}  // namespace mailorigin::service
