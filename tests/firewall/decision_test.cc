// Each row of the decision, and each reason for which a tag does not count.
#include "firewall/kernel/decision.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "core/bytes.h"
#include "core/context.h"
#include "core/seal.h"
#include "core/smtp_policy.h"

namespace mailorigin::firewall {
namespace {

constexpr std::uint64_t now = 500'000'000'000'000;

IpAddress address(const char* text) { return parse_ip_address(text).value_or(IpAddress{}); }

class Verify : public ::testing::Test {
 protected:
  Verify() {
    tag_.key_id = key_.id;
    tag_.vhost_id = 77;
    tag_.uid = 1001;
    tag_.boottime_ns = now - 1'000'000'000;
  }

  bool verifies(std::uint32_t uid = 1001, std::uint64_t at = now) const {
    std::string bytes = encode_tag(tag_);
    append_little_endian(bytes, siphash24(bytes, key_.secret));
    return verifies_bytes(bytes, uid, at);
  }
  bool verifies_bytes(const std::string& bytes, std::uint32_t uid = 1001,
                      std::uint64_t at = now) const {
    static_assert(sizeof(mo_tag) == ContextTag::size);
    mo_tag tag{};
    std::memcpy(&tag, bytes.data(), sizeof tag);
    return mo_verify(&tag, &current_, &previous_, uid, at) != 0;
  }
  static mo_ring_key ring_key(const SealKey& key) {
    const std::string bytes(key.secret.begin(), key.secret.end());
    return {key.id,
            1,
            {little_endian<std::uint64_t>(bytes, 0), little_endian<std::uint64_t>(bytes, 8)}};
  }

  SealKey key_ = SealKey::generate();
  mo_ring_key current_ = ring_key(key_);
  mo_ring_key previous_{};
  ContextTag tag_;
};

TEST_F(Verify, WhatHttpdSealedForThisUid) {
  EXPECT_TRUE(verifies());
  EXPECT_FALSE(verifies(1002));
  tag_.uid = ContextTag::any_uid;
  EXPECT_TRUE(verifies(1002));
}

TEST_F(Verify, UnderThePreviousKeyToo) {
  previous_ = current_;
  current_ = ring_key(SealKey::generate());
  EXPECT_TRUE(verifies());
  previous_.valid = 0;
  EXPECT_FALSE(verifies());
}

TEST_F(Verify, NothingUnderAnUnknownKey) {
  tag_.key_id++;
  EXPECT_FALSE(verifies());
  current_.valid = 0;
  tag_.key_id--;
  EXPECT_FALSE(verifies());
}

TEST_F(Verify, NothingThatWasAlteredAnywhere) {
  std::string bytes = encode_tag(tag_);
  append_little_endian(bytes, siphash24(bytes, key_.secret));
  ASSERT_TRUE(verifies_bytes(bytes));
  for (std::size_t i = 0; i < bytes.size(); i++) {
    std::string altered = bytes;
    altered[i] ^= 1;
    EXPECT_FALSE(verifies_bytes(altered)) << "byte " << i;
  }
}

TEST_F(Verify, ForADay) {
  const std::uint64_t sealed = tag_.boottime_ns;
  EXPECT_TRUE(verifies(1001, sealed + context_lifetime_ns));
  EXPECT_FALSE(verifies(1001, sealed + context_lifetime_ns + 1));
  EXPECT_TRUE(verifies(1001, sealed - MO_FUTURE_TOLERANCE_NS));
  EXPECT_FALSE(verifies(1001, sealed - MO_FUTURE_TOLERANCE_NS - 1));
  EXPECT_EQ(context_lifetime_ns, MO_CONTEXT_LIFETIME_NS);
}

TEST_F(Verify, NoOtherVersionAndNoUnknownFlag) {
  const auto with = [&](std::size_t at, char value) {
    std::string bytes = encode_tag(tag_);
    bytes[at] = value;
    append_little_endian(bytes, siphash24(bytes, key_.secret));
    return verifies_bytes(bytes);
  };
  EXPECT_TRUE(with(0, 1));
  EXPECT_FALSE(with(0, 2));
  EXPECT_TRUE(with(1, ContextTag::pass | ContextTag::truncated));
  EXPECT_FALSE(with(1, 4));
  EXPECT_FALSE(with(2, 1));
}

TEST(Loopback, IsKnownInEachForm) {
  for (const char* text :
       {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1", "0.0.0.0", "::"}) {
    EXPECT_TRUE(mo_is_loopback(address(text).data())) << text;
  }
  for (const char* text : {"128.0.0.1", "0.0.0.1", "::2", "::7f00:1", "1::1", "fe80::1"}) {
    EXPECT_FALSE(mo_is_loopback(address(text).data())) << text;
  }
}

// A verified tenant, whose host denies.
mo_facts facts() {
  mo_facts made{};
  made.uid = 1001;
  made.mode = mo_mode_on;
  made.verified = 1;
  made.vhost = 77;
  made.policy.local = mo_local_observe;
  return made;
}

struct Expected {
  int verdict;
  int reason;
  bool record;
};

void expect(const mo_facts& given, Expected expected, const char* what) {
  const mo_decision decision = mo_decide(&given);
  EXPECT_EQ(decision.verdict, expected.verdict) << what;
  EXPECT_EQ(decision.reason, expected.reason) << what;
  EXPECT_EQ(decision.record != 0, expected.record) << what;
}

TEST(Decision, OfKernelThreadsIsNo) {
  mo_facts given = facts();
  given.kernel_thread = 1;
  given.uid = MO_NOBODY;
  expect(given, {mo_deny, mo_reason_unverified, true}, "as nobody");
  given.uid = 0;
  given.may = 1;
  expect(given, {mo_deny, mo_reason_unverified, true}, "before all else");
}

TEST(Decision, OfWhoMayIsYesWithoutAWord) {
  mo_facts given = facts();
  given.may = 1;
  expect(given, {mo_allow, mo_reason_none, false}, "MailOriginSmtpUsers");
  given = facts();
  given.uid = 0;
  expect(given, {mo_allow, mo_reason_none, false}, "root");
  given = facts();
  given.pass = 1;
  expect(given, {mo_allow, mo_reason_none, false}, "MailOrigin Off");
  given.verified = 0;
  expect(given, {mo_deny, mo_reason_unverified, true}, "a flag without a seal");
}

TEST(Decision, OfWhoIsBlockedIsNoWhateverElseHolds) {
  mo_facts given = facts();
  given.policy.rule = mo_rule_blocked;
  given.may = given.pass = given.listed = given.loopback = given.older = 1;
  given.policy.local = mo_local_allow;
  for (const std::uint8_t mode : {mo_mode_on, mo_mode_observe}) {
    for (const std::uint8_t verified : {0, 1}) {
      given.mode = mode;
      given.verified = verified;
      expect(given, {mo_deny, mo_reason_blocked, true}, "at once");
    }
  }
  given.uid = 0;
  expect(given, {mo_allow, mo_reason_none, false}, "but root");
}

TEST(Decision, OfLoopbackIsMailOriginSmtpLocals) {
  mo_facts given = facts();
  given.loopback = 1;
  given.listed = 1;
  given.policy.rule = mo_rule_redirect;
  given.policy.local = mo_local_allow;
  expect(given, {mo_allow, mo_reason_local, true}, "allow");
  given.policy.local = mo_local_observe;
  expect(given, {mo_observe, mo_reason_local, true}, "observe");
  given.policy.local = mo_local_deny;
  expect(given, {mo_deny, mo_reason_local, true}, "deny");
  given.verified = 0;
  given.vhost = 0;
  given.policy.local = mo_local_allow;
  expect(given, {mo_allow, mo_reason_local, true}, "not verified: an event, whatever allows it");
  given.verified = 1;
  expect(given, {mo_allow, mo_reason_local, false}, "the server's, allowed: no event");
}

TEST(Decision, OfWhatMayBeLoopbackIsTheStricterOne) {
  mo_facts given = facts();
  given.loopback = mo_may_be_loopback;
  given.policy.rule = mo_rule_allow;
  given.policy.local = mo_local_deny;
  expect(given, {mo_deny, mo_reason_local, true}, "the loopback is closed");
  given.listed = 1;
  expect(given, {mo_deny, mo_reason_local, true}, "also where a list holds everything");
  given.policy.local = mo_local_observe;
  expect(given, {mo_observe, mo_reason_local, true}, "the loopback is observed");
  given.listed = 0;
  given.policy.local = mo_local_allow;
  expect(given, {mo_allow, mo_reason_local, true}, "both are open");
  given.policy.rule = mo_rule_deny;
  expect(given, {mo_deny, mo_reason_smtp, true}, "the outside is closed");
  given.policy.rule = mo_rule_redirect;
  given.ipv6 = 1;
  expect(given, {mo_redirect, mo_reason_smtp, true}, "the outside leads to the relay");
  given.policy.local = mo_local_observe;
  expect(given, {mo_redirect, mo_reason_smtp, true}, "which is more than to be seen");
}

TEST(Decision, OfAListedDestinationIsYes) {
  mo_facts given = facts();
  given.listed = 1;
  expect(given, {mo_allow, mo_reason_allowed, true}, "in spite of deny");
  given.vhost = 0;
  expect(given, {mo_allow, mo_reason_allowed, false}, "the server's list: no event");
  given.verified = 0;
  expect(given, {mo_allow, mo_reason_allowed, true}, "not verified: an event");
}

TEST(Decision, WithoutAContextTheUidDecides) {
  mo_facts given = facts();
  given.verified = 0;
  given.vhost = 0;
  for (const int rule : {mo_rule_deny, mo_rule_allow, mo_rule_redirect}) {
    given.policy.rule = static_cast<std::uint8_t>(rule);
    expect(given, {mo_deny, mo_reason_unverified, true}, "whatever the server's rule");
  }
  given.policy.rule = mo_rule_observe;
  expect(given, {mo_observe, mo_reason_unverified, true}, "but for observe");
  given.policy.rule = mo_rule_deny;
  given.older = 1;
  expect(given, {mo_observe, mo_reason_older, true}, "an older php-fpm");
  given.loopback = 1;
  given.policy.local = mo_local_deny;
  expect(given, {mo_observe, mo_reason_older, true}, "wherever it connects to");
  given.policy.local = mo_local_allow;
  expect(given, {mo_allow, mo_reason_local, true}, "but for where it may");
  given.policy.local = mo_local_observe;
  given.loopback = 0;
  given.older = 0;
  given.by_uid = 1;
  given.vhost = 77;
  expect(given, {mo_deny, mo_reason_smtp, true}, "the host of that uid alone");
  given.policy.rule = mo_rule_allow;
  expect(given, {mo_allow, mo_reason_smtp, true}, "which may allow it");
}

TEST(Decision, NoMoreThanBothPoliciesLetThrough) {
  const auto both = [](int one, int other) {
    mo_policy policy{};
    mo_policy also{};
    policy.rule = static_cast<std::uint8_t>(one);
    also.rule = static_cast<std::uint8_t>(other);
    mo_narrow(&policy, &also);
    return int{policy.rule};
  };
  for (const int rule : {mo_rule_deny, mo_rule_observe, mo_rule_allow, mo_rule_redirect}) {
    EXPECT_EQ(both(rule, mo_rule_deny), mo_rule_deny);
    EXPECT_EQ(both(rule, mo_rule_redirect), mo_rule_deny);
    EXPECT_EQ(both(mo_rule_deny, rule), mo_rule_deny);
    EXPECT_EQ(both(rule, mo_rule_allow), rule);
  }
  for (const int rule : {mo_rule_deny, mo_rule_allow, mo_rule_redirect}) {
    EXPECT_EQ(both(rule, mo_rule_blocked), mo_rule_blocked);
    EXPECT_EQ(both(mo_rule_blocked, rule), mo_rule_blocked);
  }
  EXPECT_EQ(both(mo_rule_allow, mo_rule_observe), mo_rule_observe);
  EXPECT_EQ(both(mo_rule_observe, mo_rule_observe), mo_rule_observe);
  mo_policy policy{};
  mo_policy also{};
  also.local = mo_local_deny;
  policy.local = mo_local_observe;
  mo_narrow(&policy, &also);
  EXPECT_EQ(policy.local, mo_local_deny);
  also.local = mo_local_allow;
  mo_narrow(&policy, &also);
  EXPECT_EQ(policy.local, mo_local_deny);
}

TEST(Decision, WithOneTheHostsRuleDoes) {
  mo_facts given = facts();
  expect(given, {mo_deny, mo_reason_smtp, true}, "deny");
  given.policy.rule = mo_rule_observe;
  expect(given, {mo_observe, mo_reason_smtp, true}, "observe");
  given.policy.rule = mo_rule_allow;
  expect(given, {mo_allow, mo_reason_smtp, true}, "allow");
  given.vhost = 0;
  expect(given, {mo_allow, mo_reason_smtp, false}, "the server allows: no event");
  given.policy.rule = 99;
  expect(given, {mo_deny, mo_reason_smtp, true}, "an unknown rule is none that allows");
}

TEST(Decision, RedirectNeedsARelayThatTheSocketReaches) {
  mo_facts given = facts();
  given.policy.rule = mo_rule_redirect;
  const auto relay = [&](const char* text) {
    const IpAddress chosen = address(text);
    std::memcpy(given.policy.relay, chosen.data(), chosen.size());
  };
  relay("192.0.2.1");
  expect(given, {mo_redirect, mo_reason_smtp, true}, "IPv4 to IPv4");
  given.ipv6 = 1;
  expect(given, {mo_redirect, mo_reason_smtp, true}, "IPv6 to IPv4, mapped");
  relay("2001:db8::1");
  expect(given, {mo_redirect, mo_reason_smtp, true}, "IPv6 to IPv6");
  given.ipv6 = 0;
  expect(given, {mo_deny, mo_reason_smtp, true}, "IPv4 to IPv6");
}

TEST(Decision, ObserveForAllRefusesAndRedirectsNothing) {
  mo_facts given = facts();
  given.mode = mo_mode_observe;
  expect(given, {mo_observe, mo_reason_smtp, true}, "deny");
  given.policy.rule = mo_rule_redirect;
  given.ipv6 = 1;
  expect(given, {mo_observe, mo_reason_smtp, true}, "redirect");
  given.policy.rule = mo_rule_allow;
  expect(given, {mo_allow, mo_reason_smtp, true}, "allow stays allow");
  given.kernel_thread = 1;
  expect(given, {mo_observe, mo_reason_unverified, true}, "kernel threads");
}

}  // namespace
}  // namespace mailorigin::firewall
