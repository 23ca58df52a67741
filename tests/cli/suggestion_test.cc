// What `mailorigin firewall --suggest` makes of a week.
#include "cli/suggestion.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "reports/smtp_suggestion.h"

namespace mailorigin::cli {
namespace {

using nlohmann::json;
using namespace reports;
using store::Connections;

constexpr std::uint64_t now_ms = 1'795'869'296'789;
constexpr std::uint64_t since_ms = now_ms - 7 * (24 * store::hour_ms);
constexpr std::uint32_t no_account = 4'000'000'000;

Policy two_sites() {
  Policy policy;
  policy.server.name = "host.example:80";
  policy.server.site = "host.example";
  policy.firewall.mode = FirewallMode::observe;
  std::uint32_t id = 0;
  for (const char* name : {"shop.example:80", "shop.example:443", "blog.example:80"}) {
    VhostPolicy& vhost = policy.vhosts.emplace_back();
    vhost.id = ++id;
    vhost.name = name;
    vhost.site = std::string(name).substr(0, 12);
    vhost.run_as = vhost.site == "shop.example" ? 3'000'000'001 : 3'000'000'002;
  }
  policy.index();
  return policy;
}

// Seven days of one a day and more.
Connections usual(const std::string& vhost, const std::string& dst, std::uint64_t count = 70) {
  Connections out;
  out.vhost = vhost;
  out.uid = 3'000'000'001;
  out.dst = dst;
  out.port = 587;
  out.reason = "smtp";
  out.program = "/usr/sbin/php-fpm8.2";
  out.count = count;
  out.days = 7;
  out.first_ms = since_ms;
  out.last_ms = now_ms;
  return out;
}

Connections of_user(std::uint32_t uid) {
  Connections out = usual("", "192.0.2.1");
  out.uid = uid;
  out.reason = "unverified";
  return out;
}

json suggest(const Policy& policy, const std::vector<Connections>& connections,
             const NamesOfAddresses& names = {}) {
  return smtp_suggestion(policy, connections, names, since_ms, now_ms);
}

std::string text(const Policy& policy, const std::vector<Connections>& connections,
                 const NamesOfAddresses& names = {}) {
  return suggestion_text(suggest(policy, connections, names), false);
}

TEST(Suggestion, MostUsedFirst) {
  EXPECT_EQ(text(two_sites(),
                 {usual("shop.example:80", "192.0.2.1", 10), usual("shop.example:443", "192.0.2.2"),
                  usual("blog.example:80", "2001:db8::1", 500), of_user(1)}),
            "MailOriginSmtpUsers daemon\n"
            "<MailOriginSite blog.example>\n"
            "    MailOriginSmtpAllow [2001:db8::1]:587\n"
            "</MailOriginSite>\n"
            "<MailOriginSite shop.example>\n"
            "    MailOriginSmtpAllow 192.0.2.2:587\n"
            "    MailOriginSmtpAllow 192.0.2.1:587\n"
            "</MailOriginSite>\n");
}

TEST(Suggestion, WithCountsForPeople) {
  EXPECT_EQ(
      suggestion_text(suggest(two_sites(), {usual("blog.example:80", "192.0.2.1")}), true),
      "# 70 connections observed or refused since 2026-11-21T12:34:56.789Z\n"
      "<MailOriginSite blog.example>\n"
      "    # 70 connections on 7 days up to 2026-11-28T12:34:56.789Z, by /usr/sbin/php-fpm8.2\n"
      "    MailOriginSmtpAllow 192.0.2.1:587\n"
      "</MailOriginSite>\n");
}

TEST(Suggestion, WhatIsOddIsMarked) {
  Connections few = usual("shop.example:80", "192.0.2.1", 4);
  few.port = 25;
  Connections burst = usual("shop.example:80", "192.0.2.2", 5000);
  burst.days = 2;
  EXPECT_EQ(text(two_sites(), {burst, few, usual("shop.example:80", "192.0.2.3")}),
            "<MailOriginSite shop.example>\n"
            "    # on 2 days only: MailOriginSmtpAllow 192.0.2.2:587\n"
            "    MailOriginSmtpAllow 192.0.2.3:587\n"
            "    # only 4 connections: MailOriginSmtpAllow 192.0.2.1:25\n"
            "</MailOriginSite>\n");
  // Where all of it is odd, pasting it changes nothing.
  EXPECT_EQ(text(two_sites(), {burst}),
            "# <MailOriginSite shop.example>\n"
            "    # on 2 days only: MailOriginSmtpAllow 192.0.2.2:587\n"
            "# </MailOriginSite>\n");
}

TEST(Suggestion, WhoDeliversByItselfIsMarked) {
  std::vector<Connections> all;
  for (int i = 0; i < 17; i++) {
    all.push_back(usual("shop.example:80", "192.0." + std::to_string(i) + ".1"));
    all.back().port = 25;
  }
  all.push_back(usual("shop.example:80", "192.0.2.1"));
  const json site = suggest(two_sites(), all)["sites"][0];
  int doubtful = 0;
  for (const json& each : site["suggestions"]) doubtful += each.contains("doubt") ? 1 : 0;
  EXPECT_EQ(doubtful, 17) << site;
}

TEST(Suggestion, ByNameOrNetwork) {
  Policy policy = two_sites();
  const NamesOfAddresses names = {{*parse_ip_address("192.0.2.1"), "relay.example"},
                                  {*parse_ip_address("2001:db8::1"), "relay.example"}};
  EXPECT_EQ(
      text(
          policy,
          {usual("shop.example:80", "192.0.2.1"), usual("shop.example:80", "2001:db8::1"),
           usual("shop.example:80", "198.51.100.1", 2), usual("shop.example:80", "198.51.100.2", 2),
           usual("shop.example:80", "198.51.100.3", 2), usual("shop.example:80", "198.51.100.4", 2),
           usual("shop.example:80", "2001:db8:1::1", 2),
           usual("shop.example:80", "2001:db8:1::2", 2),
           usual("shop.example:80", "2001:db8:1::3", 2),
           usual("shop.example:80", "2001:db8:1::4", 1)},
          names),
      "<MailOriginSite shop.example>\n"
      "    MailOriginSmtpAllow relay.example:587\n"
      "    MailOriginSmtpAllow 198.51.100.0/24:587\n"
      "    MailOriginSmtpAllow [2001:db8:1::/64]:587\n"
      "</MailOriginSite>\n");
  for (const char* each : {"198.51.100.0/24:587", "[2001:db8:1::/64]:587", "relay.example:587"}) {
    EXPECT_TRUE(parse_smtp_destination(each)) << each;
  }
}

TEST(Suggestion, KeepsWhatIsAllowedAndLeavesOutWhatIs) {
  Policy policy = two_sites();
  for (VhostPolicy& vhost : policy.vhosts) {
    for (const char* each : {"198.51.100.0/23", "relay.example:587", "2001:db8::/47"}) {
      if (auto read = parse_smtp_destination(each)) vhost.smtp.allow.push_back(*read);
    }
  }
  const NamesOfAddresses names = {{*parse_ip_address("192.0.2.1"), "relay.example"}};
  EXPECT_EQ(text(policy,
                 {usual("shop.example:80", "198.51.101.7"),
                  usual("shop.example:80", "2001:db8:1::9"), usual("shop.example:80", "192.0.2.1")},
                 names),
            "# There is nothing to suggest.\n");
  Connections other_port = usual("shop.example:80", "192.0.2.1");
  other_port.port = 465;
  EXPECT_EQ(text(policy, {usual("shop.example:80", "198.51.102.7"), other_port}, names),
            "<MailOriginSite shop.example>\n"
            "    MailOriginSmtpAllow 198.51.100.0/23 relay.example:587 2001:db8::/47\n"
            "    MailOriginSmtpAllow 198.51.102.7:587\n"
            "    MailOriginSmtpAllow relay.example:465\n"
            "</MailOriginSite>\n");
  for (VhostPolicy& vhost : policy.vhosts) vhost.smtp.rule = SmtpRule::allow;
  EXPECT_TRUE(suggest(policy, {other_port})["sites"].empty());
}

TEST(Suggestion, LoopbackIsLetThroughUnlessItIsDenied) {
  Policy policy = two_sites();
  Connections local = usual("shop.example:80", "127.0.0.1");
  local.reason = "smtp-local";
  EXPECT_TRUE(suggest(policy, {local})["sites"].empty());
  policy.vhosts[0].smtp.local = Rule::deny;
  EXPECT_EQ(suggest(policy, {local})["sites"][0]["suggestions"][0]["directive"],
            "MailOriginSmtpLocal observe");
}

TEST(Suggestion, NobodyWhoMayBeATenantIsLetConnect) {
  Policy policy = two_sites();
  policy.firewall.httpd_uid = 33;
  policy.firewall.uids = {2};
  const json report = suggest(
      policy, {of_user(33), of_user(3'000'000'001), of_user(2), of_user(no_account), of_user(1)});
  ASSERT_EQ(report["users"].size(), 2U) << report;
  EXPECT_EQ(report["users"][0]["directive"], "MailOriginSmtpUsers daemon");
  EXPECT_FALSE(report["users"][0].contains("doubt"));
  EXPECT_EQ(report["users"][1]["directive"], "MailOriginSmtpUsers #4000000000");
  EXPECT_EQ(report["users"][1]["doubt"], "no account has this uid");
  EXPECT_EQ(report["left_out"].size(), 2U) << report["left_out"];
  EXPECT_EQ(report["connections"], 350);
  policy.vhosts[2].run_as.reset();
  EXPECT_TRUE(suggest(policy, {of_user(1)})["users"][0].contains("doubt"));
}

// What .htaccess leads httpd to, the kernel refuses httpd's user: the line alone does nothing.
TEST(Suggestion, OfHttpdItselfSaysWhoLedItThere) {
  Policy policy = two_sites();
  policy.firewall.httpd_uid = no_account;
  Connections led = usual("shop.example:80", "192.0.2.1");
  led.program = "/usr/sbin/apache2";
  led.by_httpd = true;
  led.cause = "/srv/shop/.htaccess:3";
  EXPECT_EQ(
      text(policy, {led}),
      "# <MailOriginSite shop.example>\n"
      "    # httpd itself connects, led by /srv/shop/.htaccess:3, and its user #4000000000 is "
      "refused all the same unless MailOriginSmtpUsers names it: MailOriginSmtpAllow "
      "192.0.2.1:587\n"
      "# </MailOriginSite>\n");
  Connections other = led;
  other.cause = "/srv/shop/b/.htaccess";
  EXPECT_EQ(suggest(policy, {led, other})["sites"][0]["suggestions"][0]["causes"],
            json({"/srv/shop/.htaccess:3", "/srv/shop/b/.htaccess"}));

  // A script that goes there as well needs the line.
  EXPECT_EQ(text(policy, {led, usual("shop.example:80", "192.0.2.1")}),
            "<MailOriginSite shop.example>\n"
            "    MailOriginSmtpAllow 192.0.2.1:587\n"
            "</MailOriginSite>\n");
  policy.firewall.uids = {no_account};
  EXPECT_EQ(suggestion_text(suggest(policy, {led}), true),
            "# 70 connections observed or refused since 2026-11-21T12:34:56.789Z\n"
            "<MailOriginSite shop.example>\n"
            "    # 70 connections on 7 days up to 2026-11-28T12:34:56.789Z, by /usr/sbin/apache2, "
            "led by /srv/shop/.htaccess:3\n"
            "    MailOriginSmtpAllow 192.0.2.1:587\n"
            "</MailOriginSite>\n");
}

TEST(Suggestion, OfHttpdItselfToTheLoopbackAddress) {
  Policy policy = two_sites();
  policy.firewall.httpd_uid = no_account;
  policy.vhosts[0].smtp.local = Rule::deny;
  Connections led = usual("shop.example:80", "127.0.0.1");
  led.reason = "smtp-local";
  led.by_httpd = true;
  const auto doubt = [&] {
    return suggest(policy, {led})["sites"][0]["suggestions"][0].value("doubt", "");
  };
  EXPECT_EQ(doubt(), "");
  policy.vhosts[2].smtp.local = Rule::deny;
  EXPECT_EQ(doubt(),
            "httpd itself connects, and its user #4000000000 is refused all the same "
            "unless MailOriginSmtpUsers names it");
}

TEST(Suggestion, OfHostsThatAreGoneAndOfTheServer) {
  const json report = suggest(
      two_sites(), {usual("old.example:80", "192.0.2.1"), usual("host.example:80", "192.0.2.1"),
                    usual("shop.example:80", "no address")});
  EXPECT_TRUE(report["sites"].empty());
  EXPECT_EQ(report["left_out"].size(), 2U);
}

}  // namespace
}  // namespace mailorigin::cli
