#include "mod_mailorigin/firewall_arguments.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace mailorigin::httpd {
namespace {

TEST(ParseFirewallMode, KnowsThreeWordsInAnyCase) {
  EXPECT_EQ(*parse_firewall_mode("Off"), FirewallMode::off);
  EXPECT_EQ(*parse_firewall_mode("Observe"), FirewallMode::observe);
  EXPECT_EQ(*parse_firewall_mode("on"), FirewallMode::on);
  EXPECT_EQ(parse_firewall_mode("yes").error().message, "'yes' is not one of Off, observe, On");
}

TEST(ParsePort, IsAboveZero) {
  EXPECT_EQ(*parse_port("65535"), 65535);
  for (const char* text : {"0", "65536", "-1", "smtp", "", "25,26"}) {
    EXPECT_FALSE(parse_port(text)) << text;
  }
}

TEST(AddSmtpAccount, TellsUsersFromGroups) {
  Users users;
  SmtpAccounts accounts;
  for (const char* text : {"root", "#8", "@root", "@#12"}) {
    EXPECT_TRUE(add_smtp_account(text, users, accounts)) << text;
  }
  EXPECT_EQ(accounts.uids, (std::vector<std::uint32_t>{0, 8}));
  EXPECT_EQ(accounts.gids, (std::vector<std::uint32_t>{0, 12}));
  for (const char* text : {"nobody-of-that-name", "@nobody-of-that-name", "@", "#", "#x", "@#x",
                           "#4294967295", "@#4294967295", ""}) {
    const Status added = add_smtp_account(text, users, accounts);
    ASSERT_FALSE(added) << text;
    EXPECT_EQ(added.error().message[0], '\'') << added.error().message;
  }
}

TEST(ParseSmtpChoice, RedirectAloneLeadsSomewhere) {
  EXPECT_EQ(parse_smtp_choice("deny", "")->rule, SmtpRule::deny);
  EXPECT_EQ(parse_smtp_choice("observe", "")->rule, SmtpRule::observe);
  EXPECT_EQ(parse_smtp_choice("allow", "")->rule, SmtpRule::allow);
  const auto redirect = parse_smtp_choice("redirect", "[2001:db8::1]:25");
  ASSERT_TRUE(redirect);
  EXPECT_EQ(redirect->relay, (SmtpDestination{"2001:db8::1", {}, 25}));
  for (const char* relay : {"", "relay.example", "192.0.2.0/24:25", "192.0.2.1:0"}) {
    EXPECT_FALSE(parse_smtp_choice("redirect", relay)) << relay;
  }
  EXPECT_FALSE(parse_smtp_choice("deny", "relay:25"));
  EXPECT_FALSE(parse_smtp_choice("refuse", ""));
}

}  // namespace
}  // namespace mailorigin::httpd
