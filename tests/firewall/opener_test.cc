#include "firewall/opener.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mailorigin::firewall {
namespace {

constexpr std::uint32_t tenant = 1001, other = 1002, subordinate = 165541;
constexpr std::uint16_t smtp_port = 25;

IpAddress address(const char* text) { return parse_ip_address(text).value_or(IpAddress{}); }

VhostPolicy host(std::uint32_t id, SmtpRule rule, std::optional<std::uint32_t> run_as = tenant,
                 const std::vector<const char*>& allow = {}) {
  VhostPolicy made;
  made.id = id;
  made.name = made.site = "h" + std::to_string(id);
  made.run_as = run_as;
  made.smtp.rule = rule;
  for (const char* each : allow) {
    const auto parsed = parse_smtp_destination(each);
    EXPECT_TRUE(parsed) << each;
    if (parsed) made.smtp.allow.push_back(*parsed);
  }
  return made;
}

CompiledPolicy compiled(std::vector<VhostPolicy> hosts, const NameAddresses& names = {},
                        const Blocks& blocks = {}) {
  Policy from;
  from.firewall.mode = FirewallMode::on;
  from.vhosts = std::move(hosts);
  from.index();
  auto made = compile(from, names, blocks);
  EXPECT_TRUE(made);
  return made ? *std::move(made) : CompiledPolicy{};
}

mo_opener opened_by(std::uint32_t uid, std::uint32_t vhost = 0, mo_reason reason = mo_reason_smtp) {
  mo_opener opener{};
  opener.uid = opener.gid = opener.owner = uid;
  opener.vhost = vhost;
  opener.verified = vhost != 0 ? 1 : 0;
  opener.reason = reason;
  return opener;
}

bool stays(const CompiledPolicy& policy, const mo_opener& opener, const char* to = "192.0.2.1",
           const CompiledPolicy* before = nullptr) {
  return may_stay(policy, before, opener, address(to), smtp_port);
}

TEST(Opener, OfTwoHostsOfOneUserEachHasItsOwn) {
  const auto policy = compiled({host(1, SmtpRule::allow), host(2, SmtpRule::deny)});
  EXPECT_TRUE(stays(policy, opened_by(tenant, 1)));
  EXPECT_FALSE(stays(policy, opened_by(tenant, 2)));
  EXPECT_FALSE(stays(policy, opened_by(tenant)));
  EXPECT_TRUE(stays(policy, opened_by(0)));
}

TEST(Opener, InANamespaceItHasNoMoreThanWhoMadeThat) {
  const auto policy = compiled({host(1, SmtpRule::deny)});
  mo_opener opener = opened_by(subordinate);
  EXPECT_TRUE(stays(policy, opener, "127.0.0.1"));
  opener.owner = tenant;
  EXPECT_FALSE(stays(policy, opener));
}

TEST(Opener, AHostThatIsGoneAndAnotherUsersNowAreNoContext) {
  VhostPolicy gone_over = host(1, SmtpRule::allow, other);
  gone_over.user = "other";
  const auto policy = compiled({gone_over, host(3, SmtpRule::deny)});
  EXPECT_FALSE(stays(policy, opened_by(tenant, 1)));
  EXPECT_TRUE(stays(policy, opened_by(other, 1)));
  EXPECT_FALSE(stays(policy, opened_by(tenant, 7)));
}

TEST(Opener, WhatANameHadStaysWhereNobodyDecidedOtherwise) {
  const std::vector<VhostPolicy> hosts = {host(1, SmtpRule::deny, tenant, {"mx.test"})};
  const auto first = compiled(hosts, {{"mx.test", {address("192.0.2.1")}}});
  const auto now = compiled(hosts, {{"mx.test", {address("192.0.2.2")}}});
  const auto without = compiled({host(1, SmtpRule::deny)});
  const mo_opener opener = opened_by(tenant, 1, mo_reason_allowed);
  EXPECT_TRUE(stays(now, opener, "192.0.2.1", &now));
  EXPECT_FALSE(stays(without, opener, "192.0.2.1", &first));
  // What its rule let out, no name did.
  EXPECT_FALSE(stays(now, opened_by(tenant, 1), "192.0.2.1", &now));
}

TEST(Opener, WhatItShowedIsBlockedThoughItWasAnothers) {
  Blocks of_site, of_user;
  for (const auto& [blocks, text] :
       {std::pair{&of_site, "site:h1"}, std::pair{&of_user, "user:#1001"}}) {
    Block one;
    auto subject = parse_block_subject(text);
    ASSERT_TRUE(subject) << text;
    one.subject = *std::move(subject);
    ASSERT_TRUE(blocks->add(one));
  }
  mo_opener opener = opened_by(other);
  opener.shown_uid = tenant;
  opener.shown_vhost = 1;
  for (const Blocks* blocks : {&of_site, &of_user}) {
    const auto policy =
        compiled({host(1, SmtpRule::allow), host(2, SmtpRule::allow, other)}, {}, *blocks);
    opener.shown = 0;
    EXPECT_TRUE(stays(policy, opener));
    opener.shown = 1;
    EXPECT_FALSE(stays(policy, opener));
  }
}

TEST(Opener, WhatWasRedirectedIsAtItsRelay) {
  VhostPolicy redirected = host(1, SmtpRule::redirect);
  redirected.smtp.relay = {"127.0.0.1", std::nullopt, smtp_port};
  redirected.smtp.local = Rule::deny;
  const auto policy = compiled({redirected});
  EXPECT_TRUE(stays(policy, opened_by(tenant, 1), "127.0.0.1"));
  EXPECT_FALSE(stays(policy, opened_by(tenant, 1), "127.0.0.2"));
  EXPECT_FALSE(stays(policy, opened_by(tenant, 1)));
}

TEST(Opener, OlderWorkersAreObservedForTheirTime) {
  const auto policy = compiled({host(1, SmtpRule::deny), host(2, SmtpRule::deny)});
  EXPECT_TRUE(stays(policy, opened_by(tenant, 0, mo_reason_older)));
}

}  // namespace
}  // namespace mailorigin::firewall
