#include "milter/passage.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "tests/harness/loopback.h"

namespace mailorigin::milter {
namespace {

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
  const testing::LoopbackConnection connection(AF_INET);
  const auto* const client = reinterpret_cast<const sockaddr*>(&connection.client_address);
  const std::string port = std::to_string(connection.server_port());
  const auto submitter = submitter_of(client, "127.0.0.1", port.c_str());
  ASSERT_TRUE(submitter && submitter->uid);
  EXPECT_EQ(*submitter->uid, geteuid());
  EXPECT_NE(submitter->cookie, 0U);
  EXPECT_EQ(submitter->client.port, connection.client_port());
  EXPECT_EQ(submitter->server.port, connection.server_port());
}

}  // namespace
}  // namespace mailorigin::milter
