// What `mailorigin limits` asks, and what it is answered.
#include "core/wire/limiting.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace mailorigin {
namespace {

constexpr const char* id = "01KAAAAAAAAAAAAAAAAAAAAAAA";

TEST(Limiting, AQuestionSurvivesItsEncoding) {
  const auto read = decode_show_limits(
      encode_show_limits({"shop.example", {"/srv/a.php", "/srv/b.php"}, {0, 4294967295U}}));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->site, "shop.example");
  EXPECT_EQ(read->scripts, (std::vector<std::string>{"/srv/a.php", "/srv/b.php"}));
  EXPECT_EQ(read->uids, (std::vector<std::uint32_t>{0, 4294967295U}));
}

TEST(Limiting, AnAnswerSurvivesItsEncoding) {
  using Kind = LimitSubject::Kind;
  SiteLimits limits;
  limits.started_ms = 5;
  limits.reset = LimitReset{"shop.example", 7, "alice"};
  ShownLimit limit{{.rate = {5, 1'000'000'000, 9}, .per = LimitRule::Per::script, .place = "/c:3"}};
  limit.vhosts = {"shop.example:80", "shop.example:443"};
  limit.counted.push_back({{Kind::script, 0, "/srv/a.php"}, {3, 0, 8}});
  limit.counted.push_back({{Kind::scripts, 7, ""}, {9, 1, 9}});
  LimitedSubject& limited = limit.limited.emplace_back();
  limited.of.kind = Kind::foreign;
  limited.of.uid = 7;
  limited.count = 12;
  limited.held = 4;
  limited.no_hold = 5;
  limited.last_ms = 99;
  limited.last_id = id;
  limits.limits.push_back(limit);
  limits.limits.emplace_back();
  const auto read = decode_site_limits(encode_site_limits(limits));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(encode_site_limits(*read), encode_site_limits(limits));
  ASSERT_EQ(read->limits.size(), 2U);
  EXPECT_EQ(read->limits[0].rule, limit.rule);
  EXPECT_EQ(read->limits[0].rule.place, "/c:3");
  EXPECT_EQ(read->limits[0].vhosts, limit.vhosts);
  EXPECT_EQ(read->limits[0].counted[1].of, (LimitSubject{Kind::scripts, 7}));
  EXPECT_EQ(read->limits[0].counted[1].allowance.next_ns, 1U);
  EXPECT_EQ(read->limits[0].limited[0].last_id, id);
  EXPECT_EQ(read->limits[0].limited[0].held, 4U);
  EXPECT_EQ(read->limits[0].limited[0].no_hold, 5U);
  EXPECT_EQ(read->reset->by, "alice");
}

TEST(Limiting, AResetSurvivesItsEncoding) {
  const auto asked = decode_reset_limits(encode_reset_limits({"shop.example", "alice"}));
  ASSERT_TRUE(asked) << asked.error().message;
  EXPECT_EQ(asked->site + asked->by, "shop.examplealice");
  const auto done = decode_limits_reset(encode_limits_reset({77, "no room"}));
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->since_ms, 77U);
  EXPECT_EQ(done->not_kept, "no room");
}

TEST(Limiting, WhatIsNotUnderstoodIsRefusedWhole) {
  EXPECT_FALSE(decode_reset_limits(encode_reset_limits({"", "alice"})));
  EXPECT_FALSE(decode_reset_limits(encode_reset_limits({"shop.example", std::string(65, 'a')})));
  EXPECT_FALSE(decode_show_limits(encode_show_limits({"shop.example", {std::string(1025, '/')}})));
  EXPECT_FALSE(decode_show_limits(encode_show_limits({"shop.example"}) + '\1'));
  SiteLimits limits;
  limits.limits.emplace_back().limited.emplace_back().last_id = "no id";
  EXPECT_FALSE(decode_site_limits(encode_site_limits(limits)));
}

}  // namespace
}  // namespace mailorigin
