#include "mailorigind/judging/judge.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mailorigind/limits.h"
#include "tests/harness/daemon.h"

namespace mailorigin::daemon {
namespace {

using testing::fresh_context;
using testing::mail_question;
using testing::simple_policy;
using testing::simple_vhost;

// A judge with simple_policy(), and this process as the one that asks.
class JudgeTest : public ::testing::Test {
 protected:
  JudgeTest() {
    judge_.use(std::make_shared<const ActivePolicy>(simple_policy("/log", "%{id}", 1001),
                                                    std::vector<Fd>()));
    judge_.use(KeyRing{key_, std::nullopt});
    judge_.limits().use(std::move(
        *LimitTable::in_memory(16, {moment_.wall_ms * 1'000'000, moment_.boottime_ns, "boot"})));
  }

  struct Judged : Judgement {
    Event event;
  };
  Judged ask(Question question, uid_t uid = 1001) {
    return ask(judge_, std::move(question), {{getpid(), uid, 100}, "alice", quota_, lineage_});
  }
  Judged ask(Judge& judge, Question question, const AskingProcess& asker) const {
    const Judgement judgement = judge.judge(question, asker, moment_);
    return {judgement, std::move(question.claims)};
  }

  // With these rules for the vhost instead.
  void use(const std::function<void(VhostPolicy&)>& change) {
    Policy policy = simple_policy("/log", "%{id}", 1001);
    change(policy.vhosts[0]);
    policy.index();
    judge_.use(std::make_shared<const ActivePolicy>(std::move(policy), std::vector<Fd>()));
  }

  Judge judge_;
  SealKey key_ = SealKey::generate();
  Quota quota_;
  std::optional<std::vector<Process>> lineage_;
  Moment moment_ = Moment::now();
};

TEST_F(JudgeTest, DescribesAVerifiedOriginFromTheContextAndTheKernel) {
  const Judged judgement = ask(mail_question("hello", fresh_context(key_, 1001)));
  const Event& event = judgement.event;
  EXPECT_TRUE(judgement.recorded);
  EXPECT_EQ(judgement.policy, vhost_id(simple_vhost));
  EXPECT_EQ(event.get(Field::verified), "true");
  EXPECT_EQ(event.get(Field::vhost), simple_vhost);
  EXPECT_EQ(event.get(Field::entry), "/srv/example/index.php");  // not the claimed one
  EXPECT_EQ(event.get(Field::client), "192.0.2.7");
  EXPECT_EQ(event.get(Field::pid), std::to_string(getpid()));
  EXPECT_EQ(event.get(Field::uid), "1001");
  EXPECT_EQ(event.get(Field::suexec_uid), "1001");
  EXPECT_EQ(event.get(Field::user), "alice");
  EXPECT_EQ(event.get(Field::verdict), "allow");
  EXPECT_EQ(event.get(Field::subject), "hello");
  EXPECT_TRUE(Ulid::parse(event.get(Field::id)));
  EXPECT_TRUE(Ulid::parse(event.get(Field::request_id)));
  EXPECT_EQ(parse_rfc3339(event.get(Field::time)), moment_.wall_ms);
  ASSERT_EQ(judgement.answer.headers.size(), 1u);
  EXPECT_EQ(judgement.answer.headers[0].first, "X-Mail-Origin");
  EXPECT_EQ(judgement.answer.headers[0].second, event.get(Field::id));
  EXPECT_EQ(judgement.answer.id, event.get(Field::id));
}

TEST_F(JudgeTest, GivesAnUnverifiedMailToTheOnlyVhostOfItsUid) {
  const Judged judgement = ask(mail_question("cron"));
  EXPECT_EQ(judgement.policy, vhost_id(simple_vhost));
  EXPECT_FALSE(judgement.event.has(Field::verified));
  EXPECT_EQ(judgement.event.get(Field::vhost), simple_vhost);
  EXPECT_EQ(judgement.event.get(Field::entry), "/srv/example/claimed.php");
  EXPECT_EQ(judgement.answer.reason, "");
}

TEST_F(JudgeTest, TellsTheSiteOfAVhostThatThePolicyKnows) {
  use([](VhostPolicy& vhost) { vhost.site = "shop.example"; });
  EXPECT_EQ(ask(mail_question("x", fresh_context(key_, 1001))).event.get(Field::site),
            "shop.example");
  EXPECT_EQ(ask(mail_question("cron")).event.get(Field::site), "shop.example");
  EXPECT_FALSE(ask(mail_question("cron"), 1002).event.has(Field::site));
  use([](VhostPolicy& vhost) { vhost.id++; });
  EXPECT_FALSE(ask(mail_question("x", fresh_context(key_, 1001))).event.has(Field::site));
}

TEST_F(JudgeTest, NamesWhyAContextDoesNotCount) {
  const auto reason = [&](const std::string& context, uid_t uid) {
    const Judged judgement = ask(mail_question("x", context), uid);
    EXPECT_FALSE(judgement.event.has(Field::verified));
    EXPECT_EQ(judgement.answer.verdict, Verdict::allow);
    EXPECT_EQ(judgement.answer.reason, judgement.event.get(Field::reason));
    return judgement.answer.reason;
  };
  EXPECT_EQ(reason("?", 1001), "malformed");
  EXPECT_EQ(reason(fresh_context(SealKey::generate()), 1001), "unknown-key");
  SealKey other_secret = SealKey::generate();
  other_secret.id = key_.id;
  EXPECT_EQ(reason(fresh_context(other_secret), 1001), "forged");
  EXPECT_EQ(reason(fresh_context(key_, 1001), 1002), "uid");
  const std::string old = fresh_context(key_);
  moment_.boottime_ns += context_lifetime_ns + 1'000'000'000;
  EXPECT_EQ(reason(old, 1001), "expired");
}

TEST_F(JudgeTest, WithoutAKeyEveryContextIsUnknown) {
  Judge fresh;
  const Judged judgement = ask(fresh, mail_question("x", fresh_context(key_)),
                               {{getpid(), 1001, 100}, "alice", quota_, lineage_});
  EXPECT_EQ(judgement.answer.reason, "unknown-key");
  EXPECT_TRUE(judgement.recorded);
}

TEST_F(JudgeTest, ALimitRefusesSaysWhenAndUsesUpNothing) {
  constexpr std::uint64_t hour_ns = 3'600'000'000'000;
  use([](VhostPolicy& vhost) {
    vhost.limits = {{{60, hour_ns, 2}, LimitRule::Per::vhost, LimitRule::Count::mails, Rule::deny}};
  });
  const auto verdict = [&] { return ask(mail_question("x", fresh_context(key_))).answer; };
  EXPECT_EQ(verdict().verdict, Verdict::allow);
  EXPECT_EQ(verdict().verdict, Verdict::allow);
  const Judged refused = ask(mail_question("x", fresh_context(key_)));
  EXPECT_EQ(refused.answer.verdict, Verdict::deny);
  EXPECT_EQ(refused.answer.reason, "limit");
  EXPECT_EQ(refused.answer.retry_after, 60U);
  EXPECT_TRUE(refused.recorded);
  EXPECT_EQ(refused.event.get(Field::verdict), "deny");
  EXPECT_EQ(refused.event.get(Field::reason), "limit");
  // The cron job of the vhost's own uid counts with it.
  EXPECT_EQ(ask(mail_question("cron")).answer.reason, "limit");
  moment_.boottime_ns += 60'000'000'000;
  EXPECT_EQ(verdict().verdict, Verdict::allow);
}

TEST_F(JudgeTest, AMailThatARuleRefusesUsesUpNoLimit) {
  constexpr std::uint64_t hour_ns = 3'600'000'000'000;
  const LimitRule one{{1, hour_ns, 1}, LimitRule::Per::vhost, LimitRule::Count::mails, Rule::deny};
  use([&](VhostPolicy& vhost) {
    vhost.limits = {one};
    vhost.send = Rule::deny;
  });
  EXPECT_EQ(ask(mail_question("x")).answer.reason, "policy");
  use([&](VhostPolicy& vhost) { vhost.limits = {one}; });
  EXPECT_EQ(ask(mail_question("x")).answer.verdict, Verdict::allow);
  EXPECT_EQ(ask(mail_question("x")).answer.reason, "limit");
}

TEST_F(JudgeTest, ObservingRecordsTheVerdictAndSends) {
  use([](VhostPolicy& vhost) { vhost.send = Rule::observe; });
  const Judged judgement = ask(mail_question("x", fresh_context(key_)));
  EXPECT_EQ(judgement.answer.verdict, Verdict::observe);
  EXPECT_EQ(judgement.event.get(Field::verdict), "observe");
  EXPECT_EQ(judgement.event.get(Field::reason), "policy");
}

TEST_F(JudgeTest, HoldsWhereAMailServerThatHoldsHasAskedOfLate) {
  const auto hold = [](VhostPolicy& vhost) { vhost.send = Rule::hold; };
  use(hold);
  judge_.holders().asked(Holder::exim, moment_.elapsed_ms());
  EXPECT_EQ(ask(mail_question("not configured")).answer.verdict, Verdict::deny);

  Policy policy = simple_policy("/log", "%{id}", 1001);
  hold(policy.vhosts[0]);
  policy.queue.exim = true;
  policy.index();
  judge_.use(std::make_shared<const ActivePolicy>(std::move(policy), std::vector<Fd>()));
  const Judged held = ask(mail_question("x"));
  EXPECT_EQ(held.answer.verdict, Verdict::hold);
  EXPECT_EQ(held.answer.reason, "policy");
  EXPECT_EQ(held.event.get(Field::verdict), "hold");
  ASSERT_EQ(held.answer.headers.size(), 2U);
  EXPECT_EQ(held.answer.headers[0],
            (std::pair<std::string, std::string>(ticket_field, held.answer.id)));

  moment_.boottime_ns += holder_memory_ms * 1'000'000;
  const Judged refused = ask(mail_question("a day later"));
  EXPECT_EQ(refused.answer.verdict, Verdict::deny);
  EXPECT_EQ(refused.answer.reason, "no-hold");
}

TEST_F(JudgeTest, WhatALimitHoldsCountsForTheOthers) {
  Policy policy = simple_policy("/log", "%{id}", 1001);
  constexpr std::uint64_t day = 86'400'000'000'000;
  policy.vhosts[0].limits = {{.rate = {1, day, 1}, .action = Rule::hold},
                             {.rate = {2, day, 2}, .action = Rule::deny}};
  policy.queue.exim = true;
  policy.index();
  judge_.use(std::make_shared<const ActivePolicy>(std::move(policy), std::vector<Fd>()));
  judge_.holders().asked(Holder::exim, moment_.elapsed_ms());
  EXPECT_EQ(ask(mail_question("1")).answer.verdict, Verdict::allow);
  EXPECT_EQ(ask(mail_question("2")).answer.verdict, Verdict::hold);
  const Judged third = ask(mail_question("3"));
  EXPECT_EQ(third.answer.verdict, Verdict::deny);
  EXPECT_EQ(third.answer.reason, "limit");
}

TEST_F(JudgeTest, ALimitThatHoldsRefusesWhereNobodyDoes) {
  use([](VhostPolicy& vhost) {
    vhost.limits = {{.rate = {1, 86'400'000'000'000, 1}, .action = Rule::hold}};
  });
  EXPECT_EQ(ask(mail_question("1")).answer.verdict, Verdict::allow);
  const Judged second = ask(mail_question("2"));
  EXPECT_EQ(second.answer.verdict, Verdict::deny);
  EXPECT_EQ(second.answer.reason, "no-hold");
  EXPECT_GT(second.answer.retry_after, 0U);
}

TEST_F(JudgeTest, RefusesARequestThatAnotherProcessHasShown) {
  const std::string context = fresh_context(key_);
  EXPECT_EQ(ask(mail_question("first", context)).answer.reason, "");
  lineage_ = {{4'000'000, 17}};  // as if the question came from there
  EXPECT_EQ(ask(mail_question("second", context)).answer.reason, "replayed");
}

// A CGI program of the vhost that runs as httpd's user, say.
TEST_F(JudgeTest, JudgesAForeignContextByTheStricterOfItsVhostAndTheUid) {
  const auto ask_as_stranger = [&] {
    return ask(mail_question("x", fresh_context(key_, 1001)), 1002);
  };
  use([](VhostPolicy& vhost) { vhost.send = Rule::deny; });
  const Judged refused = ask_as_stranger();
  EXPECT_EQ(refused.answer.verdict, Verdict::deny);
  EXPECT_EQ(refused.answer.reason, "policy");
  EXPECT_EQ(refused.policy, 0u) << "into the server's log, not the vhost's";
  EXPECT_FALSE(refused.event.has(Field::verified));
  EXPECT_FALSE(refused.event.has(Field::vhost));

  use([](VhostPolicy& vhost) { vhost.send = Rule::observe; });
  EXPECT_EQ(ask_as_stranger().answer.verdict, Verdict::observe);
  Policy policy = simple_policy("/log", "%{id}", 1001);
  policy.server.send = Rule::deny;
  policy.vhosts[0].send = Rule::observe;
  policy.index();
  judge_.use(std::make_shared<const ActivePolicy>(std::move(policy), std::vector<Fd>()));
  EXPECT_EQ(ask_as_stranger().answer.verdict, Verdict::deny);
}

TEST_F(JudgeTest, RecordsWhatAForeignContextsVhostRefusesAlsoWhereTheServerIsOff) {
  Policy policy = simple_policy("/log", "%{id}", 1001);
  policy.server.enabled = false;
  policy.vhosts[0].send = Rule::deny;
  policy.index();
  judge_.use(std::make_shared<const ActivePolicy>(std::move(policy), std::vector<Fd>()));
  const Judged refused = ask(mail_question("x", fresh_context(key_, 1001)), 1002);
  EXPECT_EQ(refused.answer.verdict, Verdict::deny);
  EXPECT_TRUE(refused.recorded);
  EXPECT_FALSE(ask(mail_question("x"), 1002).recorded);
  use([](VhostPolicy& vhost) {
    vhost.enabled = false;
    vhost.send = Rule::deny;
  });
  EXPECT_EQ(ask(mail_question("x", fresh_context(key_, 1001)), 1002).answer.verdict,
            Verdict::allow);
}

TEST_F(JudgeTest, AForeignContextUsesUpNothingOfItsVhost) {
  constexpr std::uint64_t hour_ns = 3'600'000'000'000;
  for (const auto per : {LimitRule::Per::vhost, LimitRule::Per::script, LimitRule::Per::uid}) {
    judge_.limits().use(std::move(
        *LimitTable::in_memory(16, {moment_.wall_ms * 1'000'000, moment_.boottime_ns, "boot"})));
    use([&](VhostPolicy& vhost) {
      vhost.limits = {{{1, hour_ns, 1}, per, LimitRule::Count::mails, Rule::deny}};
    });
    const auto foreign = [&] {
      return ask(mail_question("x", fresh_context(key_, 1001)), 1002).answer.reason;
    };
    EXPECT_EQ(foreign(), "uid");
    EXPECT_EQ(foreign(), "limit");
    lineage_.reset();
    EXPECT_EQ(ask(mail_question("x", fresh_context(key_, 1001))).answer.reason, "");
  }
}

TEST_F(JudgeTest, AReplayIsAForeignContextToo) {
  use([](VhostPolicy& vhost) {
    vhost.send = Rule::deny;
    vhost.run_as.reset();
  });
  const std::string context = fresh_context(key_);
  EXPECT_EQ(ask(mail_question("first", context)).answer.reason, "policy");
  lineage_ = {{4'000'000, 17}};
  EXPECT_EQ(ask(mail_question("again", context)).answer.verdict, Verdict::deny);
}

TEST_F(JudgeTest, AProcessWithoutAPidIsJudgedByItsUid) {
  const Judged judged = ask(judge_, mail_question("x", fresh_context(key_, 1001)),
                            {{0, 1001, 100}, "alice", quota_, lineage_});
  EXPECT_TRUE(judged.recorded);
  EXPECT_EQ(judged.answer.reason, "pid-namespace");
  EXPECT_EQ(judged.policy, vhost_id(simple_vhost));
  EXPECT_FALSE(judged.event.has(Field::verified));
  EXPECT_FALSE(judged.event.has(Field::pid));
  EXPECT_EQ(judged.event.get(Field::uid), "1001");
}

TEST_F(JudgeTest, SaysTheKindItself) {
  Question question = mail_question("x");
  question.claims.set(Field::kind, "smtp");
  EXPECT_EQ(ask(question).event.get(Field::kind), "mail");
}

TEST_F(JudgeTest, AdmitsWhoShowsAContextThatHolds) {
  const AskingProcess asker{{getpid(), 1001, 100}, "alice", quota_, lineage_};
  EXPECT_EQ(judge_.admit(fresh_context(key_, 1001), asker, moment_), "");
  EXPECT_EQ(judge_.admit("", asker, moment_), "no-context");
  EXPECT_EQ(judge_.admit("?", asker, moment_), "malformed");
  EXPECT_EQ(judge_.admit(fresh_context(key_, 1002), asker, moment_), "uid");
}

TEST_F(JudgeTest, DoesNotBelieveAContextOfItsPredecessorsTime) {
  // Who showed it first is not known any more: it may be a replay.
  Context context;
  context.tag.vhost_id = vhost_id(simple_vhost);
  context.tag.request_id.bytes[0] = 7;
  context.tag.boottime_ns = moment_.boottime_ns - 2 * context_grace_ns;
  EXPECT_EQ(ask(mail_question("x", seal(context, key_))).answer.reason, "replayed");
  context.tag.boottime_ns = moment_.boottime_ns - context_grace_ns / 2;
  EXPECT_EQ(ask(mail_question("x", seal(context, key_))).answer.reason, "");
}

TEST_F(JudgeTest, RecordsNothingWhileMailOriginIsOff) {
  const auto question = [&] {
    return mail_question("x", fresh_context(key_, ContextTag::any_uid, ContextTag::pass));
  };
  EXPECT_TRUE(ask(question()).recorded) << "it was off when the context was made, and is on now";
  use([](VhostPolicy& vhost) { vhost.enabled = false; });
  const Judged judgement = ask(question());
  EXPECT_FALSE(judgement.recorded);
  EXPECT_EQ(judgement.answer.verdict, Verdict::allow);
  EXPECT_TRUE(judgement.answer.recorded);
  EXPECT_TRUE(judgement.answer.id.empty());
  EXPECT_TRUE(judgement.answer.headers.empty());
}

TEST_F(JudgeTest, AnswersAFloodAndRecordsOneRefusalASecond) {
  use([](VhostPolicy& vhost) { vhost.run_as.reset(); });
  // Who may run as anybody may share his uid.
  constexpr int all = static_cast<int>(question_burst + shared_host_burst);
  constexpr int flood = all + 100;
  int allowed = 0;
  int refused = 0;
  int recorded_refusals = 0;
  std::string id;
  for (int i = 0; i < flood; i++) {
    const Judged judgement = ask(mail_question("flood", fresh_context(key_)));
    if (judgement.answer.verdict == Verdict::allow) {
      allowed++;
      continue;
    }
    refused++;
    EXPECT_EQ(judgement.answer.reason, "busy");
    EXPECT_TRUE(judgement.answer.recorded);
    if (judgement.recorded) {
      recorded_refusals++;
      id = judgement.answer.id;
      EXPECT_EQ(judgement.event.get(Field::verdict), "deny");
    }
    EXPECT_EQ(judgement.answer.id, id);
  }
  EXPECT_EQ(allowed, all);
  EXPECT_EQ(refused, 100);
  EXPECT_EQ(recorded_refusals, 1);
  // Another uid has its own; but both run this vhost, and its quota is gone too.
  Quota other;
  const AskingProcess neighbour{{getpid(), 1002, 100}, "bob", other, lineage_};
  EXPECT_EQ(ask(judge_, mail_question("x"), neighbour).answer.verdict, Verdict::allow);
  const Judged same_vhost = ask(judge_, mail_question("x", fresh_context(key_)), neighbour);
  EXPECT_EQ(same_vhost.answer.reason, "busy");

  moment_.boottime_ns += 1'000'000'000;
  EXPECT_EQ(ask(mail_question("later")).answer.verdict, Verdict::allow);
}

// PHP inside httpd and common pools have one uid for all: who floods is not his neighbours.
TEST_F(JudgeTest, AHostThatSharesItsUidIsHeardInANeighboursFlood) {
  const auto verdict = [&](const std::string& context) {
    return ask(mail_question("x", context)).answer.verdict;
  };
  const auto flood = [&] {
    while (verdict("") == Verdict::allow) {
    }
  };
  flood();
  EXPECT_EQ(verdict(fresh_context(key_, 1001)), Verdict::deny) << "it is the uid's only host";

  Policy policy = simple_policy("/log", "%{id}", 1001);
  VhostPolicy& neighbour = policy.vhosts.emplace_back(policy.vhosts[0]);
  neighbour.name = "neighbour.example:443";
  neighbour.site = "neighbour.example";
  neighbour.id = vhost_id(neighbour.name);
  policy.index();
  judge_.use(std::make_shared<const ActivePolicy>(std::move(policy), std::vector<Fd>()));
  flood();
  EXPECT_EQ(verdict(fresh_context(key_, 1001)), Verdict::allow);
  EXPECT_EQ(verdict(""), Verdict::deny);
  EXPECT_EQ(verdict(fresh_context(SealKey::generate(), 1001)), Verdict::deny) << "no seal of ours";
  EXPECT_EQ(verdict(fresh_context(key_, 1002)), Verdict::deny) << "another user's";
  int heard = 0;
  while (verdict(fresh_context(key_, 1001)) == Verdict::allow) heard++;
  EXPECT_LT(heard, static_cast<int>(shared_host_burst)) << "its share, and no more";
}

TEST_F(JudgeTest, MakesHostileClaimsHarmlessInHeaders) {
  Policy policy = simple_policy("/log", "%{id}", 1001);
  policy.vhosts[0].headers = {{"X-Subject", "%{subject}"}};
  policy.index();
  judge_.use(std::make_shared<const ActivePolicy>(std::move(policy), std::vector<Fd>()));
  const Judged judgement = ask(mail_question("a\r\nBcc: victim@example.org\xff"));
  ASSERT_EQ(judgement.answer.headers.size(), 1u);
  EXPECT_EQ(judgement.answer.headers[0].second.find_first_of("\r\n"), std::string::npos);
}

}  // namespace
}  // namespace mailorigin::daemon
