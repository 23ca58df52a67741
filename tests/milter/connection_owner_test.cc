#include "milter/connection_owner.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "milter/passage.h"

namespace mailorigin::milter {
namespace {

// Both ends of a connection over a loopback address.
struct Connection {
  explicit Connection(int family) {
    const Fd listener(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage address{};
    address.ss_family = static_cast<sa_family_t>(family);
    if (family == AF_INET) {
      reinterpret_cast<sockaddr_in&>(address).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
      reinterpret_cast<sockaddr_in6&>(address).sin6_addr = in6addr_loopback;
    }
    socklen_t size = sizeof address;
    auto* const at = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(listener.get(), at, size), 0);
    EXPECT_EQ(listen(listener.get(), 1), 0);
    EXPECT_EQ(getsockname(listener.get(), at, &size), 0);
    server_end = end_of(at).value();
    client = Fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(connect(client.get(), at, size), 0);
    server = Fd(accept(listener.get(), nullptr, nullptr));
    size = sizeof address;
    EXPECT_EQ(getsockname(client.get(), at, &size), 0);
    client_end = end_of(at).value();
  }
  Fd client, server;
  End client_end, server_end;
};

TEST(ConnectionOwner, IsTheKernels) {
  for (const int family : {AF_INET, AF_INET6}) {
    const Connection connection(family);
    const auto owner = find_owner(connection.client_end, connection.server_end);
    ASSERT_TRUE(owner);
    EXPECT_EQ(owner->uid, geteuid());
    std::uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    ASSERT_EQ(getsockopt(connection.client.get(), SOL_SOCKET, SO_COOKIE, &cookie, &size), 0);
    EXPECT_EQ(owner->cookie, cookie);
  }
}

// The kernel then says uid 0.
TEST(ConnectionOwner, IsNobodyWhoHasClosedIt) {
  Connection connection(AF_INET);
  connection.client.reset();
  const auto owner = find_owner(connection.client_end, connection.server_end);
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

sockaddr_in client_at(const char* address, std::uint16_t port) {
  sockaddr_in client{};
  client.sin_family = AF_INET;
  client.sin_port = htons(port);
  inet_pton(AF_INET, address, &client.sin_addr);
  return client;
}

TEST(Submitter, CameByPickupOrBySmtp) {
  const auto of = [](const sockaddr_in& client) {
    return submitter_of(reinterpret_cast<const sockaddr*>(&client), "127.0.0.1", "25");
  };
  EXPECT_FALSE(of(client_at("127.0.0.1", 0))->by_smtp);
  EXPECT_TRUE(of(client_at("127.0.0.1", 1))->by_smtp);
  EXPECT_FALSE(of(client_at("127.0.0.1", 1))->uid);
  EXPECT_FALSE(of(client_at("192.0.2.1", 1))) << "another machine";
  EXPECT_TRUE(submitter_of(nullptr, "", "")->by_smtp) << "who has gone may have been here";
}

TEST(Submitter, IsKnownByTheConnection) {
  const Connection connection(AF_INET);
  const auto client = client_at("127.0.0.1", connection.client_end.port);
  const std::string port = std::to_string(connection.server_end.port);
  const auto submitter =
      submitter_of(reinterpret_cast<const sockaddr*>(&client), "127.0.0.1", port.c_str());
  ASSERT_TRUE(submitter && submitter->uid);
  EXPECT_EQ(*submitter->uid, geteuid());
  EXPECT_NE(submitter->cookie, 0U);
}

}  // namespace
}  // namespace mailorigin::milter
