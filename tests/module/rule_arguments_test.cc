#include "mod_mailorigin/rule_arguments.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailorigin::httpd {
namespace {

TEST(ParseLimit, HasDefaultsForAllButTheRate) {
  const auto limit = parse_limit({"100/hour"});
  ASSERT_TRUE(limit) << limit.error().message;
  EXPECT_EQ(limit->rate.units, 100U);
  EXPECT_EQ(limit->rate.period_ns, 3'600'000'000'000U);
  EXPECT_EQ(limit->rate.burst, 100U);
  EXPECT_EQ(limit->per, LimitRule::Per::vhost);
  EXPECT_EQ(limit->count, LimitRule::Count::mails);
  EXPECT_EQ(limit->action, Rule::deny);
}

TEST(ParseLimit, TakesItsOptionsInAnyOrder) {
  const auto limit =
      parse_limit({"5/second", "action=observe", "per=uid", "burst=50", "count=recipients"});
  ASSERT_TRUE(limit) << limit.error().message;
  EXPECT_EQ(limit->rate.period_ns, 1'000'000'000U);
  EXPECT_EQ(limit->rate.burst, 50U);
  EXPECT_EQ(limit->per, LimitRule::Per::uid);
  EXPECT_EQ(limit->count, LimitRule::Count::recipients);
  EXPECT_EQ(limit->action, Rule::observe);
}

TEST(ParseLimit, NamesWhatIsWrong) {
  const std::pair<std::vector<std::string_view>, std::string> wrong[] = {
      {{}, "rate is missing"},
      {{"100"}, "'100' is not a rate"},
      {{"0/hour"}, "'0/hour'"},
      {{"-1/hour"}, "'-1/hour'"},
      {{"1000000001/day"}, "1000000000"},
      {{"1/week"}, "/second, /minute, /hour"},
      {{"1/hour", "burst=0"}, "burst=0"},
      {{"1/hour", "burst="}, "burst="},
      {{"1/hour", "burst=1", "burst=2"}, "twice"},
      {{"1/hour", "per=client"}, "vhost, script, uid"},
      {{"1/hour", "count=bytes"}, "mails, recipients"},
      {{"1/hour", "action=allow"}, "deny, hold, observe"},
      {{"1/hour", "bust=3"}, "'bust' is unknown"},
      {{"1/hour", "100"}, "'100' is unknown"},
  };
  for (const auto& [arguments, text] : wrong) {
    const auto limit = parse_limit(arguments);
    ASSERT_FALSE(limit) << text;
    EXPECT_NE(limit.error().message.find(text), std::string::npos) << limit.error().message;
  }
}

TEST(ParseDomain, IsInLowerCaseWithoutItsLastDot) {
  EXPECT_EQ(*parse_domain("Shop.Example."), "shop.example");
  EXPECT_EQ(*parse_domain("*.shop.example"), "*.shop.example");
  EXPECT_EQ(*parse_domain("localhost"), "localhost");
  for (const char* text : {"", ".", "a..b", "-a.b", "a-.b", "a@b", "sh*p.example", "grüße.example",
                           "a b", "*.", "*"}) {
    EXPECT_FALSE(parse_domain(text)) << text;
  }
  EXPECT_FALSE(parse_domain(std::string(64, 'a')));
  EXPECT_FALSE(parse_domain(std::string(254, 'a')));
}

TEST(ParseRule, KnowsThreeWords) {
  EXPECT_EQ(*parse_rule("observe"), Rule::observe);
  EXPECT_NE(parse_rule("On").error().message.find("allow, observe, deny"), std::string::npos);
}

TEST(ParseRule, HoldsMailAlone) {
  EXPECT_FALSE(parse_rule("hold"));
  EXPECT_EQ(*parse_mail_rule("hold"), Rule::hold);
  EXPECT_EQ(*parse_mail_rule("allow"), Rule::allow);
  EXPECT_NE(parse_mail_rule("On").error().message.find("allow, observe, hold, deny"),
            std::string::npos);
}

TEST(ParseAction, IsAnOptionOfARule) {
  EXPECT_EQ(**parse_action("action=observe"), Rule::observe);
  EXPECT_EQ(**parse_action("action=hold"), Rule::hold);
  EXPECT_EQ(**parse_action("action=deny"), Rule::deny);
  EXPECT_EQ(*parse_action("/uploads/"), std::nullopt);
  for (const char* text : {"action=", "action=allow", "action=Deny", "action=deny,observe"}) {
    EXPECT_NE(parse_action(text).error().message.find("deny, hold, observe"), std::string::npos)
        << text;
  }
}

TEST(ParseMaxRecipients, IsAtLeastOne) {
  EXPECT_EQ(*parse_max_recipients("50"), 50U);
  for (const char* text : {"0", "-1", "many", "1.5", "99999999999999999999"}) {
    EXPECT_FALSE(parse_max_recipients(text)) << text;
  }
}

}  // namespace
}  // namespace mailorigin::httpd
