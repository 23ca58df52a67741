#include "mailorigind/judging/rules.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "mailorigind/judging/asked_limits.h"

namespace mailorigin::daemon {
namespace {

constexpr uid_t uid = 1001;

class Rules : public testing::Test {
 protected:
  Rules() {
    policy_.id = 7;
    policy_.docroot = "/srv/shop";
    event_.set(Field::entry, "/srv/shop/index.php");
    event_.set(Field::file, "/srv/shop/lib/mailer.php");
    question_.scripts = {"/srv/shop/lib/mailer.php", "/srv/shop/plugins/form.php",
                         "/srv/shop/index.php"};
    event_.set(Field::docroot, "/srv/shop");
    event_.set(Field::recipients, std::uint64_t{3});
    event_.set(Field::from, "Shop <orders@shop.example>");
    event_.set(Field::envelope_from, "bounce@shop.example");
  }

  Ruling apply() {
    patterns_.clear();
    std::vector<ActivePolicy::Script> scripts;
    for (const ScriptRule& script : policy_.denied_scripts) {
      patterns_.push_back(*Pattern::compile(script.expression));
      scripts.push_back({&patterns_.back(), script.action});
    }
    return apply_rules({event_, uid, policy_, standing_, &question_, completion_}, unverified_,
                       scripts);
  }

  void expect(Verdict verdict, std::string_view reason) {
    const Ruling ruling = apply();
    EXPECT_EQ(ruling.verdict, verdict) << reason;
    EXPECT_EQ(ruling.reason, reason);
  }

  VhostPolicy policy_;
  Event event_;
  Question question_;
  Standing standing_ = Standing::own;
  const Completion* completion_ = nullptr;
  Rule unverified_ = Rule::allow;
  std::deque<Pattern> patterns_;
};

TEST_F(Rules, AllowWhatNoRuleForbids) { expect(Verdict::allow, ""); }

TEST_F(Rules, AProbeIsRefusedWhateverElseHolds) {
  event_.set(Field::to, "probe@mailorigin.invalid");
  expect(Verdict::deny, "probe");
  standing_ = Standing::of_nobody;
  unverified_ = Rule::deny;
  expect(Verdict::deny, "probe");
  event_.set(Field::to, "probe@mailorigin.invalid, to@example.org");
  expect(Verdict::deny, "unverified");
}

TEST_F(Rules, SendDecidesForTheVhost) {
  policy_.send = Rule::deny;
  expect(Verdict::deny, "policy");
  policy_.send = Rule::observe;
  expect(Verdict::observe, "policy");
}

TEST_F(Rules, UnverifiedCountsForMailOfNobodyAlone) {
  unverified_ = Rule::deny;
  expect(Verdict::allow, "");
  standing_ = Standing::of_nobody;
  expect(Verdict::deny, "unverified");
  unverified_ = Rule::observe;
  expect(Verdict::observe, "unverified");
}

TEST_F(Rules, ScriptsAreLookedForInTheWholeStack) {
  for (const char* expression :
       {"^/srv/shop/index\\.php$", "/plugins/[^/]+\\.php$", "mailer\\.php$"}) {
    policy_.denied_scripts = {{"/nowhere/"}, {expression}};
    expect(Verdict::deny, "script");
  }
  policy_.denied_scripts = {{"^/plugins/"}, {"^eval$"}, {"\\.php:3$"}};
  expect(Verdict::allow, "");
  event_.set(Field::eval, true);
  expect(Verdict::deny, "script");
}

TEST_F(Rules, WhatWasCutFromTheStackMayBeADeniedScript) {
  question_.scripts_cut = true;
  expect(Verdict::allow, "");
  policy_.denied_scripts = {{"/nowhere/"}};
  expect(Verdict::deny, "script");
}

TEST_F(Rules, NamesAreComparedForABoundedTime) {
  policy_.denied_scripts.assign(200, {"(x+x+)+y/uploads/.*\\.php$"});
  for (int i = 0; i < 400; i++) {
    question_.scripts.push_back("/srv/" + std::string(200, 'x') + std::to_string(i));
  }
  expect(Verdict::deny, "script");
}

TEST_F(Rules, AnExpressionThatTakesForEverForbids) {
  policy_.denied_scripts = {{"^(a+)+$"}};
  event_.set(Field::entry, std::string(60, 'a') + "!");
  expect(Verdict::deny, "script");
}

TEST_F(Rules, MaxRecipientsIsOfOneMessage) {
  policy_.max_recipients = {3};
  expect(Verdict::allow, "");
  policy_.max_recipients = {2};
  expect(Verdict::deny, "max-recipients");
}

TEST_F(Rules, SenderIsFromAndTheEnvelopeSender) {
  policy_.sender.domains = {"shop.example"};
  expect(Verdict::allow, "");
  event_.set(Field::envelope_from, "bounce@evil.example");
  expect(Verdict::deny, "sender");
  event_.set(Field::envelope_from, "bounce@shop.example");
  event_.set(Field::from, "a@shop.example, b@evil.example");
  expect(Verdict::deny, "sender");
}

TEST_F(Rules, SenderKnowsWhatTheMailServerPutsIn) {
  policy_.sender.domains = {"shop.example"};
  const std::vector<std::string> domains = {"web1.example"};
  const Completion completion{"shop", domains};
  event_.set(Field::envelope_from, "shop@web1.example");
  expect(Verdict::deny, "sender");
  completion_ = &completion;
  expect(Verdict::allow, "");
  event_.set(Field::from, "shop <shop@web1.example>");
  expect(Verdict::allow, "");
  event_.set(Field::from, "root@web1.example");
  expect(Verdict::deny, "sender");
}

TEST_F(Rules, SenderRefusesAListThatWasCut) {
  policy_.sender.domains = {"shop.example"};
  std::string list = "a@shop.example";
  while (list.size() < 5000) list += ", a@shop.example";
  event_.set(Field::from, list + ", b@evil.example");
  expect(Verdict::deny, "sender");
}

TEST_F(Rules, TheStrictestHoldsAndTheFirstOfEquals) {
  policy_.send = Rule::observe;
  policy_.max_recipients = {1};
  policy_.sender.domains = {"other.example"};
  expect(Verdict::deny, "max-recipients");
}

TEST_F(Rules, EachCanBeTriedFirst) {
  policy_.denied_scripts = {{"/plugins/", Rule::observe}};
  expect(Verdict::observe, "script");
  policy_.denied_scripts = {{"/plugins/", Rule::observe}, {"/uploads/", Rule::deny}};
  expect(Verdict::observe, "script");
  question_.scripts_cut = true;  // /uploads/ may be among what was cut
  expect(Verdict::deny, "script");
  policy_.denied_scripts.clear();
  policy_.max_recipients = {2, Rule::observe};
  expect(Verdict::observe, "max-recipients");
  policy_.max_recipients.reset();
  policy_.sender = {{"other.example"}, Rule::observe};
  expect(Verdict::observe, "sender");
}

TEST_F(Rules, HoldIsStricterThanObserveAndMilderThanDeny) {
  policy_.send = Rule::observe;
  policy_.denied_scripts = {{"/plugins/", Rule::hold}};
  expect(Verdict::hold, "script");
  policy_.denied_scripts = {{"/plugins/", Rule::hold}, {"index", Rule::deny}};
  expect(Verdict::deny, "script");
  policy_.denied_scripts.clear();
  policy_.max_recipients = {2, Rule::hold};
  expect(Verdict::hold, "max-recipients");
  policy_.max_recipients.reset();
  policy_.sender = {{"other.example"}, Rule::hold};
  expect(Verdict::hold, "sender");
  policy_.send = Rule::hold;
  expect(Verdict::hold, "policy");
}

TEST_F(Rules, WhatNobodyHoldsIsRefused) {
  Ruling ruling;
  ruling.add(Rule::hold, "policy");
  ruling.refuse_held();
  EXPECT_EQ(ruling.verdict, Verdict::deny);
  EXPECT_EQ(ruling.reason, "no-hold");
  for (const Rule rule : {Rule::allow, Rule::observe, Rule::deny}) {
    Ruling other;
    other.add(rule, "script");
    const Verdict before = other.verdict;
    other.refuse_held();
    EXPECT_EQ(other.verdict, before);
  }
}

const LimitResets no_resets;

std::vector<LimitDemand> limit_demands(const RuledMail& mail) {
  AskedLimits limits(true, no_resets);
  limits.add(mail);
  return limits.demands();
}

TEST_F(Rules, LimitsCountPerVhostScriptOrUid) {
  using Per = LimitRule::Per;
  using Count = LimitRule::Count;
  policy_.limits = {{{}, Per::vhost, Count::mails, Rule::deny},
                    {{}, Per::script, Count::mails, Rule::deny},
                    {{}, Per::uid, Count::recipients, Rule::observe}};
  const RuledMail mail{event_, uid, policy_};
  const auto first = limit_demands(mail);
  ASSERT_EQ(first.size(), 3U);
  EXPECT_EQ(first[0].units, 1U);
  EXPECT_EQ(first[2].units, 3U);
  EXPECT_TRUE(first[0].refuses);
  EXPECT_FALSE(first[2].refuses);
  EXPECT_EQ(limit_demands(mail)[0].key, first[0].key);

  event_.set(Field::entry, "/srv/shop/other.php");
  auto other = limit_demands(mail);
  EXPECT_EQ(other[0].key, first[0].key);
  // A script that is only claimed is no key: each new name would be an allowance.
  EXPECT_EQ(other[1].key, first[1].key);
  event_.set(Field::verified, true);
  const auto sealed = limit_demands(mail)[1].key;
  event_.set(Field::entry, "/srv/shop/third.php");
  EXPECT_NE(limit_demands(mail)[1].key, sealed);
  EXPECT_EQ(other[2].key, first[2].key);

  event_.set(Field::docroot, "/srv/other");
  EXPECT_NE(limit_demands(mail)[0].key, first[0].key);
  EXPECT_NE(limit_demands({event_, uid + 1, policy_})[2].key, first[2].key);
  // Mail of nobody has no vhost or script that could be trusted.
  EXPECT_EQ(limit_demands({event_, uid, policy_, Standing::of_nobody}).size(),
            2U);  // two of three are one
}

TEST_F(Rules, EqualLimitsOfASiteAreOne) {
  using Per = LimitRule::Per;
  using Count = LimitRule::Count;
  policy_.site = "shop.example";
  policy_.limits = {{{100, 1, 100}, Per::vhost, Count::mails, Rule::deny}};
  VhostPolicy other_port = policy_;
  other_port.id = 8;
  other_port.limits.push_back({{5, 1, 5}, Per::vhost, Count::mails, Rule::hold});
  EXPECT_EQ(limit_demands({event_, uid, policy_})[0].key,
            limit_demands({event_, uid, other_port})[0].key);
  AskedLimits both(true, no_resets);
  both.add({event_, uid, policy_});
  both.add({event_, uid, other_port});
  ASSERT_EQ(both.demands().size(), 2U);
  EXPECT_EQ(both.action(0), Rule::deny);
  EXPECT_EQ(both.action(1), Rule::hold);
  EXPECT_FALSE(both.demands()[1].refuses);
  AskedLimits nobody_holds(false, no_resets);
  nobody_holds.add({event_, uid, other_port});
  EXPECT_TRUE(nobody_holds.demands()[1].refuses);
  other_port.site = "blog.example";
  EXPECT_NE(limit_demands({event_, uid, policy_})[0].key,
            limit_demands({event_, uid, other_port})[0].key);
}

TEST_F(Rules, PortsOfAUsersSiteWithDocumentRootsOfTheirOwnHaveOneAllowance) {
  policy_.site = "shop.example";
  policy_.run_as = uid;
  policy_.docroot = "/srv/shop";
  policy_.limits = {{{100, 1, 100}, LimitRule::Per::vhost, LimitRule::Count::mails, Rule::deny}};
  VhostPolicy other_port = policy_;
  other_port.id = 8;
  other_port.docroot = "/srv/shop/secure";
  Event other = event_;
  event_.set(Field::verified, true);
  event_.set(Field::docroot, policy_.docroot);
  const auto first = limit_demands({event_, uid, policy_})[0].key;
  other.set(Field::docroot, policy_.docroot);  // without a context: the first port's
  EXPECT_EQ(limit_demands({other, uid, other_port})[0].key, first);
  other.set(Field::verified, true);
  other.set(Field::docroot, other_port.docroot);
  EXPECT_EQ(limit_demands({other, uid, other_port})[0].key, first);
  // mod_vhost_alias, mod_userdir
  other.set(Field::docroot, "/srv/elsewhere");
  EXPECT_NE(limit_demands({other, uid, other_port})[0].key, first);
  // Another user's host of that name, or one without a name, is another site.
  other.set(Field::docroot, other_port.docroot);
  other_port.run_as = uid + 1;
  EXPECT_NE(limit_demands({other, uid, other_port})[0].key, first);
}

}  // namespace
}  // namespace mailorigin::daemon
