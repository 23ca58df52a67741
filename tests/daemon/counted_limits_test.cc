// What `mailorigin limits` is told: what is used, by whom, and what a reset reaches.
#include "mailorigind/judging/counted_limits.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "mailorigind/limits.h"

namespace mailorigin::daemon {
namespace {

using Kind = LimitSubject::Kind;
using Per = LimitRule::Per;
constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr std::uint64_t hour_ns = 3600 * second_ns;
constexpr std::uint64_t now_ns = 1000 * hour_ns;
constexpr const char* id = "01KAAAAAAAAAAAAAAAAAAAAAAA";

LimitRule hourly(std::uint64_t mails, Per per) {
  LimitRule rule;
  rule.rate = {mails, hour_ns, mails};
  rule.per = per;
  return rule;
}

class CountedLimitsTest : public ::testing::Test {
 protected:
  CountedLimitsTest() {
    VhostPolicy shop;
    shop.id = 7;
    shop.name = "shop.example:443";
    shop.site = "shop.example";
    shop.docroot = "/srv/shop";
    shop.run_as = 1001;
    shop.limits = {hourly(2, Per::vhost), hourly(3, Per::script), hourly(4, Per::uid)};
    policy_.vhosts = {shop};
    policy_.index();
    limits_.use(*LimitTable::in_memory(16, {now_ns, now_ns, "boot"}));
    event_.set(Field::verified, true);
    event_.set(Field::docroot, "/srv/shop");
  }

  // Whether it leaves.
  bool send(const std::string& script, Standing standing = Standing::own, bool can_hold = true) {
    event_.set(Field::entry, script);
    const RuledMail mail{event_, 1001, policy_.vhosts[0], standing};
    AskedLimits asked(can_hold, limits_.resets());
    asked.add(mail);
    const Admission admission = limits_.admit(asked, now_ns);
    for (const std::size_t each : admission.exceeded) {
      limits_.note(asked.exceeded(each, mail), id, Verdict::hold, ++now_ms_);
    }
    if (!admission.refused_by) return true;
    limits_.note(asked.exceeded(*admission.refused_by, mail), id, Verdict::deny, ++now_ms_);
    return false;
  }

  SiteLimits shown(std::vector<std::string> scripts = {}) const {
    const auto limits = limits_.of(policy_, {"shop.example", std::move(scripts), {}}, now_ns);
    return limits.value_or(SiteLimits{});
  }
  static std::uint64_t used(const ShownLimit& limit, const LimitSubject& of) {
    for (const CountedSubject& each : limit.counted) {
      if (each.of == of) return each.allowance.used;
    }
    return 0;
  }

  Policy policy_;
  Event event_;
  CountedLimits limits_;
  std::uint64_t now_ms_ = 5000;
};

TEST_F(CountedLimitsTest, NothingIsUsedOfWhatNobodyHasSent) {
  const SiteLimits none = shown({"/srv/shop/a.php"});
  ASSERT_EQ(none.limits.size(), 3U);
  for (const ShownLimit& limit : none.limits) {
    EXPECT_TRUE(limit.counted.empty());
    EXPECT_EQ(limit.vhosts, (std::vector<std::string>{"shop.example:443"}));
  }
  EXPECT_FALSE(limits_.of(policy_, {"other.example", {}, {}}, now_ns));
  EXPECT_FALSE(limits_.of(policy_, {"", {}, {}}, now_ns));
}

TEST_F(CountedLimitsTest, WhatIsUsedByTheSiteItsScriptsAndItsUser) {
  EXPECT_TRUE(send("/srv/shop/a.php"));
  EXPECT_TRUE(send("/srv/shop/b.php"));
  const SiteLimits limits = shown({"/srv/shop/a.php", "/srv/shop/c.php"});
  const CountedSubject& site = limits.limits[0].counted.at(0);
  EXPECT_EQ(site.of, (LimitSubject{Kind::site, 1001}));
  EXPECT_EQ(site.allowance.used, 2U);
  EXPECT_EQ(site.allowance.next_ns, hour_ns / 2);
  EXPECT_EQ(site.allowance.whole_ns, hour_ns);
  // Of names nothing is kept: b.php is counted, and nobody has asked for it.
  ASSERT_EQ(limits.limits[1].counted.size(), 1U);
  EXPECT_EQ(used(limits.limits[1], {Kind::script, 0, "/srv/shop/a.php"}), 1U);
  EXPECT_EQ(limits.limits[1].counted[0].allowance.next_ns, 0U);
  EXPECT_EQ(used(limits.limits[2], {Kind::user, 1001}), 2U);
}

TEST_F(CountedLimitsTest, WhoWasRefusedIsNamedAndFoundByIt) {
  policy_.vhosts[0].limits = {hourly(1, Per::script)};
  EXPECT_TRUE(send("/srv/shop/a.php"));
  EXPECT_FALSE(send("/srv/shop/a.php"));
  EXPECT_FALSE(send("/srv/shop/a.php"));
  const ShownLimit limit = shown().limits.at(0);
  ASSERT_EQ(limit.limited.size(), 1U);
  EXPECT_EQ(limit.limited[0].of, (LimitSubject{Kind::script, 0, "/srv/shop/a.php"}));
  EXPECT_EQ(limit.limited[0].count, 2U);
  EXPECT_EQ(limit.limited[0].last_ms, now_ms_);
  EXPECT_EQ(limit.limited[0].last_id, id);
  EXPECT_EQ(used(limit, {Kind::script, 0, "/srv/shop/a.php"}), 1U);
}

TEST_F(CountedLimitsTest, WhatIsHeldAndWhatNobodyHoldsIsTold) {
  policy_.vhosts[0].limits = {hourly(1, Per::vhost)};
  policy_.vhosts[0].limits[0].action = Rule::hold;
  EXPECT_TRUE(send("/srv/shop/a.php"));
  EXPECT_TRUE(send("/srv/shop/a.php"));  // on its way to the queue
  EXPECT_FALSE(send("/srv/shop/a.php", Standing::own, false));
  const LimitedSubject limited = shown().limits.at(0).limited.at(0);
  EXPECT_EQ(limited.count, 2U);
  EXPECT_EQ(limited.held, 1U);
  EXPECT_EQ(limited.no_hold, 1U);
}

TEST_F(CountedLimitsTest, WhoShowsAnothersContextIsCountedByItself) {
  EXPECT_TRUE(send("/srv/shop/a.php", Standing::foreign));
  const SiteLimits limits = shown({"/srv/shop/a.php"});
  for (const ShownLimit& limit : limits.limits) {
    ASSERT_EQ(limit.counted.size(), 1U);
    EXPECT_EQ(limit.counted[0].of, (LimitSubject{Kind::foreign, 1001}));
  }
}

TEST_F(CountedLimitsTest, AResetReachesWhomeverItWasCountedFor) {
  for (int i = 0; i < 2; i++) EXPECT_TRUE(send("/srv/shop/a.php"));
  EXPECT_FALSE(send("/srv/shop/b.php"));
  EXPECT_TRUE(send("/srv/shop/x.php", Standing::foreign));
  limits_.reset({"shop.example", 5000, "alice"});
  const SiteLimits limits = shown({"/srv/shop/a.php", "/srv/shop/b.php"});
  EXPECT_EQ(limits.reset.value_or(LimitReset{}).by, "alice");
  for (const ShownLimit& limit : limits.limits) {
    EXPECT_TRUE(limit.counted.empty());
    EXPECT_TRUE(limit.limited.empty());
  }
  for (int i = 0; i < 2; i++) EXPECT_TRUE(send("/srv/shop/a.php"));
  EXPECT_FALSE(send("/srv/shop/a.php"));
  limits_.reset({"shop.example", 5001, "alice"});
  EXPECT_TRUE(send("/srv/shop/a.php"));
  limits_.reset({"other.example", 5002, "alice"});
  EXPECT_EQ(used(shown().limits[0], {Kind::site, 1001}), 1U);
}

TEST_F(CountedLimitsTest, EqualLimitsOfASitesPortsAreShownOnce) {
  VhostPolicy other = policy_.vhosts[0];
  other.id = 8;
  other.name = "shop.example:80";
  other.limits.resize(1);
  policy_.vhosts.push_back(other);
  policy_.index();
  const SiteLimits limits = shown();
  ASSERT_EQ(limits.limits.size(), 3U);
  EXPECT_EQ(limits.limits[0].vhosts.size(), 2U);
  EXPECT_EQ(limits.limits[1].vhosts.size(), 1U);
}

TEST_F(CountedLimitsTest, OfTheServerByItsName) {
  policy_.server.name = policy_.server.site = "host.example";
  policy_.server.limits = {hourly(1, Per::vhost)};
  const auto limits = limits_.of(policy_, {"host.example", {}, {1002}}, now_ns);
  ASSERT_TRUE(limits);
  EXPECT_EQ(limits->limits.size(), 1U);
}

TEST(ExceededLimits, KeepsTheLatestOfEachSite) {
  ExceededLimits exceeded;
  const LimitRule rule = hourly(1, Per::script);
  const auto note = [&](const std::string& site, std::uint64_t i) {
    exceeded.note({site, rule, {Kind::script, 0, "/" + std::to_string(i)}}, id, Verdict::deny, i);
  };
  note("blog.example", 1);
  for (std::uint64_t i = 1; i <= 2 * exceeded_kept; i++) note("shop.example", i);
  const auto kept = exceeded.of("shop.example", rule);
  ASSERT_EQ(kept.size(), exceeded_kept);
  EXPECT_EQ(kept.front().last_ms, 2 * exceeded_kept);
  EXPECT_EQ(kept.back().last_ms, exceeded_kept + 1);
  EXPECT_EQ(exceeded.of("blog.example", rule).size(), 1U);
  exceeded.use(Policy());
  EXPECT_TRUE(exceeded.of("blog.example", rule).empty());
}

TEST(LimitResets, SurviveTheirEncodingAndAreBounded) {
  LimitResets resets;
  for (std::uint64_t i = 1; i <= resets_kept + 1; i++) {
    resets.add({"site" + std::to_string(i), i, "alice"});
  }
  resets.add({"site2", 9000, "bob"});
  EXPECT_EQ(resets.of("site1"), nullptr);
  const auto read = LimitResets::decode(resets.encode());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->list().size(), resets_kept);
  EXPECT_EQ(read->list().front()->by, "bob");
  EXPECT_EQ(read->of("site2")->since_ms, 9000U);
  EXPECT_FALSE(LimitResets::decode("x"));
}

}  // namespace
}  // namespace mailorigin::daemon
