#include "mailorigind/asking/heard_vhosts.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/context.h"
#include "core/seal.h"

namespace mailorigin::daemon {
namespace {

constexpr std::uint64_t second = 1'000'000'000;
constexpr uid_t shop_uid = 1001;

const SealKey key = SealKey::generate();

// httpd's side, and contexts as it seals them.
class HeardVhostsTest : public testing::Test {
 protected:
  HeardVhostsTest() {
    heard_.use(KeyRing{key, std::nullopt});
    policy_.server.name = "server:80";
    for (const std::uint32_t id : {1U, 2U}) {
      VhostPolicy& vhost = policy_.vhosts.emplace_back();
      vhost.id = id;
      vhost.name = id == 1 ? "shop:80" : "blog:80";
      vhost.run_as = shop_uid;
    }
    push();
  }

  void push() {
    counts_.emplace(*RequestCounts::make({0, 1, 2}));
    hand_over();
  }
  void hand_over() {
    policy_.index();
    heard_.use(std::make_shared<const Policy>(policy_),
               *RequestCounts::read(Fd(fcntl(counts_->fd(), F_DUPFD_CLOEXEC, 0))), now_);
  }

  // A request of that virtual host that PHP has run.
  void request(std::uint32_t vhost) { counts_->count(vhost, ++now_); }

  std::string context(std::uint32_t vhost, std::uint32_t uid = shop_uid) {
    Context made;
    made.tag.vhost_id = vhost;
    made.tag.uid = uid;
    made.tag.boottime_ns = now_;
    return seal(made, key);
  }
  void hello(std::uint64_t connection, std::uint32_t vhost, uid_t uid = shop_uid) {
    heard_.hello(connection, context(vhost), uid, ++now_);
  }

  std::vector<std::string> silent() const {
    std::vector<std::string> found;
    for (const auto& [vhost, requests] : heard_.silent()) {
      found.push_back(vhost + ' ' + std::to_string(requests));
    }
    return found;
  }

  using Names = std::vector<std::string>;
  std::uint64_t now_ = boottime_now_ns();
  Policy policy_;
  std::optional<RequestCounts> counts_;
  HeardVhosts heard_;
};

TEST_F(HeardVhostsTest, RequestsOfWhomNobodyIsHeard) {
  EXPECT_EQ(silent(), Names{});
  for (int i = 0; i < 40; i++) request(1);
  hello(7, 2);
  request(2);
  EXPECT_EQ(silent(), Names{"shop:80 40"});
  hello(8, 1);
  EXPECT_EQ(silent(), Names{});
}

TEST_F(HeardVhostsTest, APoolThatIsReloadedWithoutTheExtension) {
  hello(7, 1);
  hello(8, 1);
  request(1);
  heard_.closed(7, true, ++now_);
  request(1);
  EXPECT_EQ(silent(), Names{}) << "one is still there";
  heard_.closed(8, true, ++now_);
  EXPECT_EQ(silent(), Names{}) << "it ran them all";
  request(1);
  request(1);
  EXPECT_EQ(silent(), Names{"shop:80 2"});
}

TEST_F(HeardVhostsTest, AProcessForEachRequestEndsBeforeHttpdCounts) {
  const std::uint64_t sealed = ++now_;
  hello(7, 1);
  heard_.closed(7, true, ++now_);
  counts_->count(1, sealed);
  EXPECT_EQ(silent(), Names{});
}

TEST_F(HeardVhostsTest, WhoWasClosedForWantOfRoomComesAgain) {
  hello(7, 1);
  heard_.closed(7, false, ++now_);
  request(1);
  EXPECT_EQ(silent(), Names{});
  now_ += 3 * second;
  request(1);
  EXPECT_EQ(silent(), Names{"shop:80 2"});
}

TEST_F(HeardVhostsTest, ANewConfigurationCountsAnew) {
  hello(7, 1);
  request(1);
  request(2);
  push();
  EXPECT_EQ(silent(), Names{}) << "httpd has counted nothing yet";
  request(1);
  request(2);
  EXPECT_EQ(silent(), Names{"blog:80 1"}) << "who was heard before still is";
  policy_.vhosts[1].enabled = false;
  hand_over();
  EXPECT_EQ(silent(), Names{}) << "MailOrigin Off";
}

TEST_F(HeardVhostsTest, ANewDaemonWaitsForProcessesToComeAgain) {
  request(1);
  heard_ = HeardVhosts();
  heard_.use(KeyRing{key, std::nullopt});
  hand_over();
  request(1);
  EXPECT_EQ(silent(), Names{});
  now_ += 3 * second;
  request(1);
  EXPECT_EQ(silent(), Names{"shop:80 2"});
}

TEST_F(HeardVhostsTest, HttpdThatDoesNotCount) {
  heard_.use(std::make_shared<const Policy>(policy_), std::nullopt, now_);
  hello(7, 1);
  EXPECT_EQ(silent(), Names{});
}

TEST_F(HeardVhostsTest, WhatIsNotSealedIsNotHeard) {
  request(1);
  std::string forged = context(1);
  forged[20] = forged[20] == 'A' ? 'B' : 'A';
  heard_.hello(7, forged, shop_uid, ++now_);
  heard_.hello(7, "", shop_uid, ++now_);
  heard_.hello(7, context(99), shop_uid, ++now_);
  EXPECT_EQ(silent(), Names{"shop:80 1"});
}

TEST_F(HeardVhostsTest, AUserThatIsNotMailOriginRunAs) {
  hello(7, 1, 33);
  request(1);
  EXPECT_EQ(silent(), Names{}) << "it is heard";
  auto others = heard_.of_other_users();
  ASSERT_EQ(others.size(), 1U);
  EXPECT_EQ(others[0].vhost, "shop:80");
  EXPECT_EQ(others[0].uid, 33U);
  // The user was corrected in httpd.conf.
  policy_.vhosts[0].run_as = 33;
  push();
  EXPECT_TRUE(heard_.of_other_users().empty());
  heard_.hello(7, context(1, 33), 33, ++now_);
  // A context that somebody else shows, of a site that is as it should be.
  heard_.hello(8, context(1, 33), shop_uid, ++now_);
  EXPECT_TRUE(heard_.of_other_users().empty());
}

}  // namespace
}  // namespace mailorigin::daemon
