// Which connections the daemon knows, and which event is a connection's.
#include "mailorigind/queueing/known_connections.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "mailorigind/connections/smtp_event.h"
#include "mailorigind/limits.h"
#include "tests/daemon/ring_in_a_file.h"

namespace mailorigin::daemon {
namespace {

constexpr std::uint32_t shop = 1001, blog = 1002;

mo_smtp_event connected(std::uint64_t cookie, std::uint32_t uid, std::uint64_t opened_ns = 1) {
  mo_smtp_event event{};
  event.cookie = cookie;
  event.uid = uid;
  event.boottime_ns = opened_ns;
  return event;
}

class KnownConnectionsTest : public ::testing::Test {
 protected:
  // Its uid; 0 where it is not known.
  std::uint32_t uid_of(std::uint64_t cookie, std::optional<std::uint64_t> opened_ns = std::nullopt,
                       KernelRing* ring = nullptr) const {
    const auto found = known_.find(cookie, opened_ns, ring);
    return found ? found->uid : 0;
  }
  void add(std::size_t count, std::uint64_t first, std::uint32_t uid) {
    for (std::uint64_t cookie = first; cookie < first + count; cookie++) {
      known_.add(connected(cookie, uid));
    }
  }

  KnownConnections known_;
};

TEST_F(KnownConnectionsTest, AreFoundByTheirSocket) {
  known_.add(connected(7, shop));
  known_.add(connected(0, blog));
  EXPECT_EQ(shop, uid_of(7));
  EXPECT_EQ(0U, uid_of(8));
  EXPECT_EQ(0U, uid_of(0)) << "a socket whose number is not known";
}

TEST_F(KnownConnectionsTest, ASocketThatConnectsAnewIsWhoseItIsNow) {
  known_.add(connected(7, shop, 10));
  known_.add(connected(7, blog, 20));
  EXPECT_EQ(blog, uid_of(7));
  EXPECT_EQ(blog, uid_of(7, 20));
  EXPECT_EQ(0U, uid_of(7, 10));
  EXPECT_EQ(0U, uid_of(7, 30)) << "that one's event had no room";
}

TEST_F(KnownConnectionsTest, WhatIsInTheRingIsNewer) {
  testing::Ring file;
  const mo_smtp_event newer = connected(7, blog, 20);
  file.append({reinterpret_cast<const char*>(&newer), short_smtp_event});
  KernelRing ring = file.map();
  EXPECT_EQ(blog, uid_of(7, std::nullopt, &ring));
  known_.add(connected(7, shop, 10));
  EXPECT_EQ(blog, uid_of(7, std::nullopt, &ring));
  EXPECT_EQ(blog, uid_of(7, 20, &ring));
  EXPECT_EQ(shop, uid_of(7, 10, &ring));
  EXPECT_EQ(0U, uid_of(7, 30, &ring));
}

TEST_F(KnownConnectionsTest, AUserPushesOutItsOwn) {
  known_.add(connected(1, blog));
  add(connections_known_per_user + 1, 2, shop);
  EXPECT_EQ(blog, uid_of(1));
  EXPECT_EQ(0U, uid_of(2)) << "the oldest of its own";
  EXPECT_EQ(shop, uid_of(3));
}

TEST_F(KnownConnectionsTest, ASocketThatConnectsAgainAndAgainPushesOutNothing) {
  known_.add(connected(1, shop));
  for (std::size_t i = 0; i < connections_known + 1; i++) known_.add(connected(2, shop));
  EXPECT_EQ(shop, uid_of(1));
  for (std::size_t i = 0; i < connections_known + 1; i++) {
    known_.add(connected(2, i % 2 == 0 ? shop : blog));
  }
  EXPECT_EQ(shop, uid_of(1));
}

TEST_F(KnownConnectionsTest, TheOldestOfAllGoes) {
  std::uint64_t cookie = 1;
  for (std::uint32_t uid = 1; cookie <= connections_known; uid++) {
    add(connections_known_per_user, cookie, uid);
    cookie += connections_known_per_user;
  }
  EXPECT_EQ(1U, uid_of(1));
  known_.add(connected(cookie, shop));
  EXPECT_EQ(0U, uid_of(1));
  EXPECT_EQ(1U, uid_of(2));
  EXPECT_EQ(shop, uid_of(cookie));
}

}  // namespace
}  // namespace mailorigin::daemon
