#include "firewall/compiled_policy.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace mailorigin::firewall {
namespace {

IpAddress address(const char* text) { return parse_ip_address(text).value_or(IpAddress{}); }

SmtpDestination destination(const char* text) {
  auto parsed = parse_smtp_destination(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? *parsed : SmtpDestination{};
}

VhostPolicy host(std::uint32_t id, std::vector<const char*> allow = {},
                 std::optional<std::uint32_t> run_as = std::nullopt) {
  VhostPolicy made;
  made.id = id;
  made.name = "h" + std::to_string(id);
  made.run_as = run_as;
  for (const char* each : allow) made.smtp.allow.push_back(destination(each));
  return made;
}

Policy policy(std::vector<VhostPolicy> hosts = {}) {
  Policy made;
  made.firewall.mode = FirewallMode::on;
  made.vhosts = std::move(hosts);
  made.index();
  return made;
}

CompiledPolicy compiled(const Policy& from, const NameAddresses& names = {}) {
  auto made = compile(from, names);
  EXPECT_TRUE(made);
  return made ? *std::move(made) : CompiledPolicy{};
}

TEST(CompiledPolicy, ListsThatAreTheSameAreOne) {
  const auto made = compiled(policy({host(1, {"192.0.2.1", "192.0.2.2:25"}),
                                     host(2, {"192.0.2.2:25", "192.0.2.1", "192.0.2.1"}),
                                     host(3, {"192.0.2.1"}), host(4)}));
  EXPECT_EQ(made.lists, 2U);
  EXPECT_EQ(made.policies.at(1).list, made.policies.at(2).list);
  EXPECT_NE(made.policies.at(1).list, made.policies.at(3).list);
  EXPECT_EQ(made.policies.at(4).list, 0U);
  EXPECT_EQ(made.policies.at(0).list, 0U);
  EXPECT_EQ(made.allowed.size(), 3U);
}

TEST(CompiledPolicy, PrefixesAreOfSixteenBytesAndHaveNoHostBits) {
  const auto made = compiled(policy({host(1, {"10.1.2.3/8:25", "2001:db8:1::5/33"})}));
  ASSERT_EQ(made.allowed.size(), 2U);
  for (const AllowedDestination& each : made.allowed) {
    if (each.port == 25) {
      EXPECT_EQ(each.prefix, 104);
      EXPECT_EQ(ip_address_text(each.address), "10.0.0.0");
    } else {
      EXPECT_EQ(each.prefix, 33);
      EXPECT_EQ(ip_address_text(each.address), "2001:db8::");
    }
  }
}

TEST(CompiledPolicy, NamesAreWhatTheyResolveTo) {
  Policy from = policy({host(1, {"a.example:587", "b.example"})});
  from.server.smtp.rule = SmtpRule::redirect;
  from.server.smtp.relay = destination("relay.example:25");
  EXPECT_EQ(names_to_resolve(from),
            (std::set<std::string>{"a.example", "b.example", "relay.example"}));
  const NameAddresses names{{"a.example", {address("192.0.2.1"), address("2001:db8::1")}},
                            {"relay.example", {address("2001:db8::9"), address("192.0.2.9")}}};
  const auto made = compiled(from, names);
  EXPECT_EQ(made.allowed.size(), 2U);
  EXPECT_EQ(made.policies.at(0).rule, mo_rule_redirect);
  EXPECT_TRUE(mo_is_mapped(made.policies.at(0).relay)) << "IPv4 first";
  EXPECT_EQ(made.policies.at(0).relay_port, 25);
}

TEST(CompiledPolicy, ARelayWithoutAnAddressDenies) {
  Policy from = policy();
  from.server.smtp.rule = SmtpRule::redirect;
  from.server.smtp.relay = destination("relay.example:25");
  EXPECT_EQ(compiled(from).policies.at(0).rule, mo_rule_deny);
}

TEST(CompiledPolicy, AccountsAreUsersThatMayAndUidsOfOneHost) {
  Policy from = policy({host(1, {}, 1001), host(2, {}, 1002), host(3, {}, 1002), host(4)});
  from.vhosts.push_back(host(5, {}, 1005));
  from.vhosts.back().enabled = false;
  from.firewall.uids = {0, 8, 1001};
  from.index();
  const auto made = compiled(from);
  ASSERT_EQ(made.accounts.size(), 4U);
  EXPECT_EQ(made.accounts.at(8).may, 1U);
  EXPECT_EQ(made.accounts.at(8).has_vhost, 0U);
  EXPECT_EQ(made.accounts.at(1001).may, 1U);
  EXPECT_EQ(made.accounts.at(1001).vhost, 1U);
  EXPECT_EQ(made.accounts.at(1005).may, 1U) << "MailOrigin Off";
  EXPECT_EQ(made.accounts.at(1002).may, 0U);
  EXPECT_EQ(made.accounts.at(1002).has_vhost, 0U) << "two hosts run as it";
}

Blocks blocks(const std::vector<const char*>& subjects) {
  Blocks made;
  for (const char* text : subjects) {
    auto subject = parse_block_subject(text);
    EXPECT_TRUE(subject) << text;
    Block one;
    if (subject) one.subject = *std::move(subject);
    EXPECT_TRUE(made.add(one));
  }
  return made;
}

// One site of two ports, one that its user has beside another, and one that nobody is named for.
Policy three_sites() {
  Policy from =
      policy({host(1, {}, 1001), host(2, {}, 1001), host(3, {}, 1003), host(4, {}, 1003), host(5)});
  const char* const sites[] = {"shop", "shop", "blog", "wiki", "news"};
  for (std::size_t i = 0; i < from.vhosts.size(); i++) {
    from.vhosts[i].site = sites[i];
    from.vhosts[i].smtp.rule = SmtpRule::allow;
  }
  from.vhosts[1].enabled = false;
  from.index();
  return from;
}

CompiledPolicy with_blocks(const Policy& from, const std::vector<const char*>& subjects) {
  auto made = compile(from, {}, blocks(subjects));
  EXPECT_TRUE(made);
  return made ? *std::move(made) : CompiledPolicy{};
}

TEST(BlockedSites, AreAllTheirPortsAndWhoeverMayBeThem) {
  const Policy from = three_sites();
  EXPECT_EQ(compiled(from).blocks, 0U);
  const auto shop = with_blocks(from, {"site:shop", "script:/srv/x.php", "client:192.0.2.1"});
  EXPECT_EQ(shop.blocks, std::uint32_t{mo_blocks_some});
  for (const std::uint32_t id : {1U, 2U}) EXPECT_EQ(shop.policies.at(id).rule, mo_rule_blocked);
  EXPECT_EQ(shop.accounts.at(1001).policy.rule, mo_rule_blocked);
  EXPECT_EQ(shop.policies.at(3).rule, mo_rule_allow);
  EXPECT_NE(shop.accounts.at(1003).policy.rule, mo_rule_blocked);
  EXPECT_NE(shop.nobodys.rule, mo_rule_blocked);
  const auto blog = with_blocks(from, {"site:blog"});
  EXPECT_EQ(blog.accounts.at(1003).policy.rule, mo_rule_blocked);
  EXPECT_EQ(blog.policies.at(4).rule, mo_rule_allow) << "its neighbour, with a context";
}

TEST(BlockedSites, OfNobodyAreEverybodyWhoRunsNone) {
  Policy from = three_sites();
  from.firewall.uids = {8, 1001};
  from.firewall.httpd_uid = 33;
  const auto made = with_blocks(from, {"site:news"});
  EXPECT_EQ(made.nobodys.rule, mo_rule_blocked);
  EXPECT_EQ(made.accounts.at(33).policy.rule, mo_rule_blocked) << "httpd's own user";
  EXPECT_NE(made.accounts.at(8).policy.rule, mo_rule_blocked) << "who may runs no site";
  EXPECT_EQ(made.accounts.at(8).may, 1U);
  EXPECT_EQ(with_blocks(from, {"site:shop"}).accounts.at(1001).policy.rule, mo_rule_blocked)
      << "unless it is named for one";
}

TEST(BlockedSites, ThatAreNotConfiguredAreContextsOfHostsThatAreGone) {
  EXPECT_EQ(with_blocks(three_sites(), {"site:gone"}).blocks,
            std::uint32_t{mo_blocks_some | mo_blocks_gone});
}

TEST(BlockedUsers, AreBlockedWithAllTheirHosts) {
  const Policy from = three_sites();
  const auto made = with_blocks(from, {"user:#1001", "user:#1099", "user:#0"});
  EXPECT_EQ(made.blocked_users, (std::set<std::uint32_t>{1001, 1099})) << "root may always";
  EXPECT_EQ(made.policies.at(1).rule, mo_rule_allow) << "of another user";
  const IpAddress there = address("192.0.2.1");
  for (const std::uint32_t uid : {1001U, 1099U}) {
    EXPECT_EQ(decide_by_uid(made, uid, there, 25).reason, mo_reason_blocked);
    EXPECT_FALSE(may_be_open(made, uid, there, 25));
  }
  EXPECT_TRUE(may_be_open(made, 1003, there, 25));
  EXPECT_FALSE(
      may_be_open(with_blocks(from, {"site:blog", "site:wiki", "site:news"}), 1003, there, 25));
  EXPECT_TRUE(may_be_open(with_blocks(from, {"site:blog"}), 1003, there, 25)) << "the neighbour's?";
}

class TheUnverified : public ::testing::Test {
 protected:
  // Of a connection of that uid, without a context.
  static mo_decision of(const Policy& from, std::uint32_t uid, const char* to,
                        std::uint16_t port = 25) {
    return decide_by_uid(compiled(from), uid, address(to), port);
  }
};

TEST_F(TheUnverified, OfOneSiteAreUnderTheStrictestOfItsPorts) {
  Policy from = policy({host(1, {"192.0.2.1", "192.0.2.2"}, 1001), host(2, {"192.0.2.1"}, 1001)});
  for (VhostPolicy& each : from.vhosts) {
    each.site = "shop.example";
    each.smtp.rule = SmtpRule::allow;
  }
  from.index();
  ASSERT_EQ(compiled(from).accounts.at(1001).vhost, 1U);
  EXPECT_EQ(of(from, 1001, "198.51.100.1").verdict, mo_allow)
      << "both ports allow, the server denies";
  EXPECT_EQ(of(from, 1001, "198.51.100.1").record, 1);
  from.vhosts[1].smtp.rule = SmtpRule::deny;
  EXPECT_EQ(of(from, 1001, "198.51.100.1").verdict, mo_deny);
  EXPECT_EQ(of(from, 1001, "192.0.2.1").verdict, mo_allow) << "both list it";
  EXPECT_EQ(of(from, 1001, "192.0.2.2").verdict, mo_deny);
  from.vhosts[0].smtp.rule = from.vhosts[1].smtp.rule = SmtpRule::redirect;
  from.vhosts[0].smtp.relay = destination("192.0.2.9:25");
  from.vhosts[1].smtp.relay = destination("192.0.2.9:25");
  EXPECT_EQ(of(from, 1001, "198.51.100.1").verdict, mo_redirect);
  from.vhosts[1].smtp.relay = destination("192.0.2.8:25");
  EXPECT_EQ(of(from, 1001, "198.51.100.1").verdict, mo_deny) << "which of the two relays?";
  from.vhosts[1].enabled = false;
  EXPECT_EQ(of(from, 1001, "198.51.100.1").verdict, mo_redirect) << "the other port is Off";
  from.vhosts[0].enabled = false;
  EXPECT_EQ(compiled(from).accounts.at(1001).may, 1U);
  from.vhosts[0].enabled = true;
  from.vhosts[1].site = "blog.example";
  EXPECT_EQ(compiled(from).accounts.at(1001).has_vhost, 0U) << "two sites";
}

TEST_F(TheUnverified, HaveNoIpv4AddressesByANetworkOfIpv6) {
  Policy from = policy({host(1, {"::/0"}, 1001), host(2, {"192.0.2.1", "2001:db8::1"}, 1001)});
  from.server.smtp.allow = {destination("::/1")};
  from.index();
  EXPECT_EQ(of(from, 1001, "2001:db8::1").verdict, mo_allow);
  EXPECT_EQ(of(from, 1001, "192.0.2.1").verdict, mo_deny) << "in common with ::/0";
  EXPECT_EQ(of(from, 1002, "2001:db8::1").verdict, mo_allow);
  EXPECT_EQ(of(from, 1002, "192.0.2.1").verdict, mo_deny);
}

TEST_F(TheUnverified, OfASharedUidAreUnderTheStrictestOfItsHostsAndTheServer) {
  Policy from = policy({host(1, {"192.0.2.1", "192.0.2.2:25"}, 1001),
                        host(2, {"192.0.2.0/24:25", "198.51.100.1"}, 1001)});
  from.server.smtp.allow = {destination("192.0.0.0/16"), destination("203.0.113.1")};
  from.server.smtp.local = Rule::observe;
  from.vhosts[1].smtp.local = Rule::deny;
  from.index();
  EXPECT_EQ(of(from, 1001, "192.0.2.1").verdict, mo_allow) << "all three allow it";
  EXPECT_EQ(of(from, 1001, "192.0.2.1").record, 1) << "an event is due";
  EXPECT_EQ(of(from, 1001, "192.0.2.1", 587).verdict, mo_deny) << "one of them for port 25 alone";
  EXPECT_EQ(of(from, 1001, "192.0.2.2").verdict, mo_allow);
  EXPECT_EQ(of(from, 1001, "192.0.2.3").verdict, mo_deny);
  EXPECT_EQ(of(from, 1001, "203.0.113.1").verdict, mo_deny) << "the server's alone";
  EXPECT_EQ(of(from, 1001, "198.51.100.1").verdict, mo_deny);
  EXPECT_EQ(of(from, 1001, "127.0.0.1").verdict, mo_deny) << "one of them denies it";
  EXPECT_EQ(of(from, 1002, "203.0.113.1").verdict, mo_allow) << "a uid that is no host's";
  EXPECT_EQ(of(from, 1002, "127.0.0.1").verdict, mo_observe);

  from.server.smtp.rule = SmtpRule::observe;
  EXPECT_EQ(of(from, 1001, "198.51.100.9").verdict, mo_deny) << "its hosts deny";
  EXPECT_EQ(of(from, 1002, "198.51.100.9").verdict, mo_observe);
  for (VhostPolicy& each : from.vhosts) each.smtp.rule = SmtpRule::observe;
  EXPECT_EQ(of(from, 1001, "198.51.100.9").verdict, mo_observe);
  from.server.smtp.rule = SmtpRule::deny;
  EXPECT_EQ(of(from, 1001, "198.51.100.9").verdict, mo_deny) << "the server is stricter";
}

TEST_F(TheUnverified, OfAUidThatIsNoHostsCanBeAnyHostWhoseUserIsNotKnown) {
  Policy from = policy({host(1, {"192.0.2.1"}), host(2, {}, 1002)});
  from.server.smtp.allow = {destination("192.0.2.0/30")};
  from.index();
  EXPECT_EQ(of(from, 1001, "192.0.2.1").verdict, mo_allow);
  EXPECT_EQ(of(from, 1001, "192.0.2.2").verdict, mo_deny);
  from.vhosts[0].enabled = false;
  EXPECT_EQ(of(from, 1001, "192.0.2.2").verdict, mo_allow) << "MailOrigin Off has no rules";
}

TEST_F(TheUnverified, OfHttpdsUserHaveNoListAndNoHostOfTheirOwn) {
  Policy from = policy({host(1, {}, 33)});
  from.vhosts[0].smtp.rule = SmtpRule::allow;
  from.server.smtp.allow = {destination("192.0.2.1")};
  from.firewall.httpd_uid = 33;
  from.index();
  EXPECT_EQ(of(from, 33, "192.0.2.1").verdict, mo_deny);
  EXPECT_EQ(of(from, 33, "198.51.100.1").reason, mo_reason_unverified);
  EXPECT_EQ(of(from, 33, "127.0.0.1").verdict, mo_observe);
  from.vhosts.push_back(host(2, {}, 1002));
  from.vhosts.back().smtp.local = Rule::deny;
  from.index();
  EXPECT_EQ(of(from, 33, "127.0.0.1").verdict, mo_deny) << "the strictest of all hosts";
  from.firewall.uids = {33};
  EXPECT_EQ(of(from, 33, "192.0.2.1").verdict, mo_allow) << "MailOriginSmtpUsers names it";
  from.firewall.httpd_uid = 0;
  from.firewall.uids.clear();
  EXPECT_EQ(of(from, 33, "198.51.100.1").verdict, mo_allow) << "an httpd that is root's";
}

TEST(CompiledPolicy, WhatDoesNotFitIsRefused) {
  std::vector<VhostPolicy> hosts;
  for (std::uint32_t id = 1; id < mo_policies_limit / 2; id++) hosts.push_back(host(id));
  EXPECT_TRUE(compile(policy(hosts), {}));
  hosts.push_back(host(mo_policies_limit));
  const auto refused = compile(policy(hosts), {});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("16384 virtual hosts"), std::string::npos);
}

TEST(CompiledPolicy, OlderConnectionsAreJudgedByTheirUid) {
  Policy from = policy({host(1, {"192.0.2.0/24:25"}, 1001)});
  from.firewall.uids = {8};
  from.index();
  const auto made = compiled(from);
  const auto verdict = [&](std::uint32_t uid, const char* to, std::uint16_t port) {
    return int{decide_by_uid(made, uid, address(to), port).verdict};
  };
  EXPECT_EQ(verdict(0, "198.51.100.1", 25), mo_allow);
  EXPECT_EQ(verdict(8, "198.51.100.1", 25), mo_allow);
  EXPECT_EQ(verdict(1001, "198.51.100.1", 25), mo_deny);
  EXPECT_EQ(verdict(1001, "192.0.2.77", 25), mo_allow);
  EXPECT_EQ(verdict(1001, "192.0.2.77", 587), mo_deny);
  EXPECT_EQ(verdict(1001, "127.0.0.1", 25), mo_observe);
  EXPECT_EQ(verdict(4711, "192.0.2.77", 25), mo_deny);
}

TEST(CompiledPolicy, WhatSomeHostOfItsUserMayHaveMayBeOpen) {
  Policy from = policy({host(1, {"192.0.2.1"}, 1001), host(2, {}, 1001), host(3, {"192.0.2.3"}),
                        host(4, {}, 1004), host(5, {}, 1005)});
  from.vhosts[3].smtp.rule = SmtpRule::redirect;
  from.vhosts[3].smtp.relay = destination("192.0.2.9:25");
  from.vhosts[4].enabled = false;
  from.index();
  const auto made = compiled(from);
  const auto open = [&](std::uint32_t uid, const char* to) {
    return may_be_open(made, uid, address(to), 25);
  };
  EXPECT_TRUE(open(1001, "192.0.2.1"));
  EXPECT_TRUE(open(1001, "127.0.0.1"));
  EXPECT_FALSE(open(1001, "198.51.100.1"));
  EXPECT_TRUE(open(1001, "192.0.2.3")) << "host 3 may run as any user";
  EXPECT_TRUE(open(1004, "192.0.2.9")) << "the relay";
  EXPECT_FALSE(open(1004, "198.51.100.1"));
  EXPECT_TRUE(open(1005, "198.51.100.1")) << "MailOrigin Off";
  EXPECT_TRUE(open(4711, "198.51.100.1")) << "no host's user: a mail server's, maybe by its group";
  EXPECT_TRUE(open(0, "198.51.100.1"));
}

}  // namespace
}  // namespace mailorigin::firewall
