#include "core/smtp_policy.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "core/policy.h"

namespace mailorigin {
namespace {

struct Written {
  std::string_view text;
  SmtpDestination destination;
};

TEST(SmtpDestination, EveryFormIsReadAndWrittenBack) {
  const Written all[] = {
      {"mail.example.org", {"mail.example.org", {}, {}}},
      {"mail.example.org:587", {"mail.example.org", {}, 587}},
      {"192.0.2.1", {"192.0.2.1", {}, {}}},
      {"192.0.2.0/24", {"192.0.2.0", 24, {}}},
      {"192.0.2.0/24:25", {"192.0.2.0", 24, 25}},
      {"2001:db8::1", {"2001:db8::1", {}, {}}},
      {"2001:db8::/32", {"2001:db8::", 32, {}}},
      {"[2001:db8::1]:465", {"2001:db8::1", {}, 465}},
      {"[2001:db8::/32]:465", {"2001:db8::", 32, 465}},
  };
  for (const Written& each : all) {
    const auto parsed = parse_smtp_destination(each.text);
    ASSERT_TRUE(parsed) << each.text;
    EXPECT_EQ(*parsed, each.destination) << each.text;
    EXPECT_EQ(smtp_destination_text(*parsed), each.text);
  }
  EXPECT_EQ(*parse_smtp_destination("[2001:db8::1]"), (SmtpDestination{"2001:db8::1", {}, {}}));
  EXPECT_EQ(*parse_smtp_destination("[2001:db8::]/32:25"), (SmtpDestination{"2001:db8::", 32, 25}));
}

TEST(SmtpDestination, WhatIsNoneIsNamed) {
  for (const std::string_view text :
       {"", ":25", "a b", "192.0.2.0/33", "2001:db8::/129", "mail.example/24", "host:0",
        "host:65536", "host:", "1.2.3", "1.2.3.4.5", "-x", "192.0.2.1:25:25", "[::1",
        "2001:db8:::1"}) {
    const auto parsed = parse_smtp_destination(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().message.find("'" + std::string(text) + "' is not a destination"),
              std::string::npos)
        << parsed.error().message;
  }
}

TEST(IpAddress, Ipv4IsMapped) {
  EXPECT_TRUE(is_mapped_ipv4(*parse_ip_address("127.0.0.1")));
  EXPECT_TRUE(is_mapped_ipv4(*parse_ip_address("::ffff:127.0.0.1")));
  EXPECT_FALSE(is_mapped_ipv4(*parse_ip_address("::1")));
  EXPECT_EQ(ip_address_text(*parse_ip_address("::ffff:192.0.2.7")), "192.0.2.7");
  EXPECT_EQ(ip_address_text(*parse_ip_address("2001:DB8:0::1")), "2001:db8::1");
  EXPECT_FALSE(parse_ip_address("192.0.2"));
}

TEST(SmtpPolicy, TravelsWithThePolicy) {
  Policy policy;
  policy.firewall = {FirewallMode::observe, {25, 2525}, {0, 4'000'000'000}, {8}, 33};
  VhostPolicy vhost;
  vhost.id = 7;
  vhost.smtp = {SmtpRule::redirect,
                *parse_smtp_destination("[2001:db8::1]:25"),
                {*parse_smtp_destination("192.0.2.0/24:25"), *parse_smtp_destination("a.example")},
                Rule::deny};
  policy.vhosts.push_back(vhost);
  const auto decoded = Policy::decode(policy.encode());
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->firewall.mode, FirewallMode::observe);
  EXPECT_EQ(decoded->firewall.ports, policy.firewall.ports);
  EXPECT_EQ(decoded->firewall.uids, policy.firewall.uids);
  EXPECT_EQ(decoded->firewall.gids, policy.firewall.gids);
  EXPECT_EQ(decoded->firewall.httpd_uid, policy.firewall.httpd_uid);
  EXPECT_EQ(decoded->server.smtp.rule, SmtpRule::deny);
  const SmtpPolicy& smtp = decoded->by_id(7)->smtp;
  EXPECT_EQ(smtp.rule, SmtpRule::redirect);
  EXPECT_EQ(smtp.relay, vhost.smtp.relay);
  EXPECT_EQ(smtp.allow, vhost.smtp.allow);
  EXPECT_EQ(smtp.local, Rule::deny);
}

TEST(SmtpPolicy, ARedirectWithoutPortIsRefused) {
  Policy policy;
  policy.server.smtp = {SmtpRule::redirect, {"192.0.2.1", {}, {}}, {}, Rule::observe};
  EXPECT_FALSE(Policy::decode(policy.encode()));
}

}  // namespace
}  // namespace mailorigin
