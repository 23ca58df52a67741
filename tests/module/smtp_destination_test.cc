#include "mod_mailorigin/smtp_destination.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <string>

namespace mailorigin::httpd {
namespace {

Addresses no_names(const std::string&) { return {}; }

IpAddress ip(const char* text) { return parse_ip_address(text).value(); }

Rule judged(const SmtpPolicy& policy, const char* address, std::uint16_t port = 25) {
  return judge_connection(policy, ip(address), port, no_names).rule;
}

SmtpPolicy with(SmtpRule rule, std::initializer_list<const char*> allowed = {},
                Rule local = Rule::observe) {
  SmtpPolicy policy;
  policy.rule = rule;
  policy.local = local;
  for (const char* each : allowed) policy.allow.push_back(*parse_smtp_destination(each));
  return policy;
}

TEST(JudgeConnection, GoesByTheRuleOfTheVirtualHost) {
  EXPECT_EQ(judged(with(SmtpRule::deny), "192.0.2.1"), Rule::deny);
  EXPECT_EQ(judged(with(SmtpRule::observe), "192.0.2.1"), Rule::observe);
  EXPECT_EQ(judged(with(SmtpRule::allow), "2001:db8::1"), Rule::allow);
  EXPECT_EQ(judged(with(SmtpRule::redirect), "192.0.2.1"), Rule::deny);
  EXPECT_STREQ(judge_connection(with(SmtpRule::deny), ip("192.0.2.1"), 25, no_names).directive,
               "MailOriginSmtp");
}

TEST(JudgeConnection, TakesEveryWayToThisHostForLocal) {
  for (const char* address :
       {"127.0.0.1", "127.255.0.9", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1"}) {
    EXPECT_EQ(judged(with(SmtpRule::allow, {"127.0.0.1"}, Rule::deny), address), Rule::deny)
        << address;
    EXPECT_EQ(judged(with(SmtpRule::deny, {}, Rule::allow), address), Rule::allow) << address;
  }
  EXPECT_EQ(judged(with(SmtpRule::allow, {}, Rule::deny), "::2"), Rule::allow);
  EXPECT_EQ(judged(with(SmtpRule::allow, {}, Rule::deny), "0.0.0.1"), Rule::allow);
}

TEST(JudgeConnection, AllowsWhatIsListed) {
  const SmtpPolicy policy =
      with(SmtpRule::deny, {"192.0.2.0/25", "198.51.100.7:587", "2001:db8:1::/49", "::/1"});
  EXPECT_EQ(judged(policy, "192.0.2.127"), Rule::allow);
  EXPECT_EQ(judged(policy, "::ffff:192.0.2.1"), Rule::allow);
  EXPECT_EQ(judged(policy, "192.0.2.128"), Rule::deny) << "::/1 has no IPv4 addresses in it";
  EXPECT_EQ(judged(policy, "7fff::1"), Rule::allow);
  const SmtpPolicy narrow =
      with(SmtpRule::deny, {"192.0.2.0/25", "198.51.100.7:587", "2001:db8::/49"});
  EXPECT_EQ(judged(narrow, "192.0.2.128"), Rule::deny);
  EXPECT_EQ(judged(narrow, "198.51.100.7", 587), Rule::allow);
  EXPECT_EQ(judged(narrow, "198.51.100.7", 25), Rule::deny);
  EXPECT_EQ(judged(narrow, "2001:db8:0:7fff::1"), Rule::allow);
  EXPECT_EQ(judged(narrow, "2001:db8:0:8000::1"), Rule::deny);
}

TEST(JudgeConnection, ResolvesNamesThatAreListed) {
  const SmtpPolicy policy = with(SmtpRule::deny, {"relay.example:587"});
  unsigned asked = 0;
  const Resolve names = [&](const std::string& name) {
    asked++;
    return name == "relay.example" ? Addresses{ip("192.0.2.9"), ip("2001:db8::9")} : Addresses{};
  };
  EXPECT_EQ(judge_connection(policy, ip("2001:db8::9"), 587, names).rule, Rule::allow);
  EXPECT_EQ(judge_connection(policy, ip("192.0.2.8"), 587, names).rule, Rule::deny);
  EXPECT_EQ(asked, 2U);
  EXPECT_EQ(judge_connection(policy, ip("192.0.2.9"), 25, names).rule, Rule::deny);
  EXPECT_EQ(asked, 2U) << "another port's names are not asked for";
}

}  // namespace
}  // namespace mailorigin::httpd
