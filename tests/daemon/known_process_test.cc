// A process that has no word of its own: what the kernel keeps of it, and when that is believed.
#include "mailorigind/judging/known_process.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base64url.h"
#include "mailorigind/judging/judge.h"
#include "tests/harness/daemon.h"

namespace mailorigin::daemon {
namespace {

using testing::fresh_context;
using testing::mail_question;
using testing::simple_policy;
using testing::simple_vhost;

constexpr std::uint64_t day_ns = 86'400'000'000'000;
constexpr uid_t user = 1001;

// The process asks under the pid 30, began at 300, and was started by the worker 20.
class KnownProcessTest : public ::testing::Test {
 protected:
  KnownProcessTest() {
    snapshot_.start_ticks = 300;
    snapshot_.worker = 20;
    snapshot_.worker_start_ticks = 200;
    snapshot_.uid = user;
    snapshot_.verified = 1;
    snapshot_.origin.line = 3;
    show(fresh_context(key_, user));
    judge_.use(std::make_shared<const ActivePolicy>(policy_, std::vector<Fd>()));
    judge_.use(KeyRing{key_, std::nullopt});
    judge_.use([this](pid_t pid) { return pid == 30 ? std::optional(snapshot_) : std::nullopt; });
  }

  void show(const std::string& context, std::size_t bytes = SIZE_MAX) {
    const std::string shown = base64url_decode(context).value_or("").substr(0, bytes);
    const std::string all = shown + "/srv/mail.php" + "/srv/a.php:3";
    snapshot_.origin.context_size = static_cast<std::uint16_t>(shown.size());
    snapshot_.origin.file_size = 13;
    snapshot_.origin.caller_size = 12;
    std::copy(all.begin(), all.end(), snapshot_.origin.bytes);
  }

  [[nodiscard]] std::optional<KnownProcess> known(uid_t uid = user) const {
    return known_process(snapshot_, lineage_, uid, KeyRing{key_, std::nullopt}, policy_,
                         moment_.boottime_ns);
  }

  // A process of another family of that user's shows the context that the kernel has of this one.
  void let_a_neighbour_show_it(Question question) {
    std::optional<std::vector<Process>> neighbours{{{40, 400}}};
    (void)judge_.judge(question, {{40, user, 100}, "alice", quota_, neighbours}, moment_);
  }

  Event ask(Question question, uid_t uid = user, pid_t pid = 30) {
    std::optional<std::vector<Process>> lineage = lineage_;
    const Judgement judgement =
        judge_.judge(question, {{pid, uid, 100}, "alice", quota_, lineage}, moment_);
    verdict_ = judgement.answer.verdict;
    return std::move(question.claims);
  }

  Judge judge_;
  SealKey key_ = SealKey::generate();
  Policy policy_ = simple_policy("/log", "%{id}", user);
  mo_snapshot snapshot_{};
  std::vector<Process> lineage_ = {{30, 300}, {25, 250}, {20, 200}};
  Quota quota_;
  Verdict verdict_ = Verdict::allow;
  Moment moment_ = Moment::now();
};

TEST_F(KnownProcessTest, HasTheOriginThatTheKernelKept) {
  const auto process = known();
  ASSERT_TRUE(process);
  EXPECT_EQ(process->context.entry, "/srv/example/index.php");
  EXPECT_EQ(process->file, "/srv/mail.php");
  EXPECT_EQ(process->caller, "/srv/a.php:3");
  EXPECT_EQ(process->line, 3U);
  EXPECT_FALSE(process->detached);
}

TEST_F(KnownProcessTest, IsDetachedFromAWorkerThatIsNoAncestor) {
  lineage_.pop_back();
  EXPECT_TRUE(known()->detached);
  lineage_.push_back({20, 201});  // another process under its pid
  EXPECT_TRUE(known()->detached);
}

TEST_F(KnownProcessTest, AnotherProcessUnderItsPidHasNone) {
  lineage_[0].start = 301;
  EXPECT_FALSE(known());
  lineage_ = {{30, 0}};  // gone or hidden
  snapshot_.start_ticks = 0;
  EXPECT_FALSE(known());
}

TEST_F(KnownProcessTest, AnotherUsersHasNone) {
  EXPECT_FALSE(known(1002));  // it has become another user since
  snapshot_.uid = 1002;       // or was one when the kernel took its copy
  EXPECT_FALSE(known());
  EXPECT_FALSE(known(1002));  // for whom the context is not
  show(fresh_context(key_));  // for anybody
  EXPECT_TRUE(known(1002));
  EXPECT_FALSE(known());
}

TEST_F(KnownProcessTest, WhatTheKernelHasNotVerifiedIsNone) {
  snapshot_.verified = 0;
  EXPECT_FALSE(known());
}

TEST_F(KnownProcessTest, AHostThatHasAnotherUserNowIsNotItsOwn) {
  policy_.vhosts[0].user = "bob";
  policy_.vhosts[0].run_as = 1002;
  EXPECT_FALSE(known());
}

TEST_F(KnownProcessTest, LivesLongerThanADay) {
  moment_.boottime_ns += 2 * day_ns;
  const auto process = known();
  ASSERT_TRUE(process);
  EXPECT_EQ(process->context.vhost, simple_vhost);
  EXPECT_EQ(process->context.entry, "");  // its details' seal does not hold any more
}

TEST_F(KnownProcessTest, ATagAloneNamesTheHost) {
  show(fresh_context(key_, user), ContextTag::size);
  EXPECT_EQ(known()->context.vhost, simple_vhost);
  EXPECT_NE(known()->context.tag.flags & ContextTag::truncated, 0);
}

TEST_F(KnownProcessTest, SizesThatDoNotFitAreNone) {
  snapshot_.origin.context_size = UINT16_MAX;
  EXPECT_FALSE(known());
  snapshot_.origin.context_size = ContextTag::size - 9;
  EXPECT_FALSE(known());
}

TEST_F(KnownProcessTest, AMailWithoutItsContextIsTheRequests) {
  const Event event = ask(mail_question("emptied"));
  EXPECT_EQ(event.get(Field::verified), "true");
  EXPECT_EQ(event.get(Field::origin_from), "firewall");
  EXPECT_EQ(event.get(Field::entry), "/srv/example/index.php");  // not the claimed one
  EXPECT_EQ(event.get(Field::file), "/srv/mail.php");
  EXPECT_EQ(event.get(Field::reason), "");
  EXPECT_FALSE(event.has(Field::detached));
  lineage_.pop_back();
  EXPECT_TRUE(ask(mail_question("left behind")).has(Field::detached));
}

TEST_F(KnownProcessTest, WhatIsShownCountsWhereItHolds) {
  const Event event = ask(mail_question("as ever", fresh_context(key_, user)));
  EXPECT_EQ(event.get(Field::verified), "true");
  EXPECT_FALSE(event.has(Field::origin_from));
}

TEST_F(KnownProcessTest, AContextThatDoesNotHoldHidesNoOrigin) {
  const Event event = ask(mail_question("forged", "?"));
  EXPECT_EQ(event.get(Field::verified), "true");
  EXPECT_EQ(event.get(Field::origin_from), "firewall");
  EXPECT_EQ(event.get(Field::reason), "malformed");
}

// Who shows another user's context can only lose by it.
TEST_F(KnownProcessTest, TheShownHostsRulesHoldBesideItsOwn) {
  VhostPolicy neighbour = policy_.vhosts[0];
  neighbour.name = "blog.example:80";
  neighbour.id = vhost_id(neighbour.name);
  neighbour.run_as = 1002;
  neighbour.send = Rule::deny;
  policy_.vhosts.push_back(neighbour);
  policy_.index();
  judge_.use(std::make_shared<const ActivePolicy>(policy_, std::vector<Fd>()));
  Context context;
  context.vhost = neighbour.name;
  context.tag.vhost_id = neighbour.id;
  context.tag.uid = 1002;
  context.tag.boottime_ns = boottime_now_ns();
  const Event event = ask(mail_question("stolen", seal(context, key_)));
  EXPECT_EQ(verdict_, Verdict::deny);
  EXPECT_EQ(event.get(Field::vhost), simple_vhost);
  EXPECT_EQ(event.get(Field::origin_from), "firewall");
}

// Native code may write into its worker's page, where the kernel reads: what it has put there of a
// neighbour's of the same user is worth as much as if it had shown it.
TEST_F(KnownProcessTest, ANeighboursRequestIsNotItsOwn) {
  const std::string context = fresh_context(key_, user);
  show(context);
  let_a_neighbour_show_it(mail_question("own", context));
  const Event event = ask(mail_question("taken"));
  EXPECT_FALSE(event.has(Field::verified));
  EXPECT_FALSE(event.has(Field::origin_from));
}

TEST_F(KnownProcessTest, AWorkersRequestIsThatOfWhatItHasLeftBehind) {
  const std::string context = fresh_context(key_, user);
  show(context);
  std::optional<std::vector<Process>> workers{{{20, 200}}};
  Question question = mail_question("own", context);
  (void)judge_.judge(question, {{20, user, 100}, "alice", quota_, workers}, moment_);
  lineage_ = {{30, 300}};
  const Event event = ask(mail_question("left behind"));
  EXPECT_EQ(event.get(Field::verified), "true");
  EXPECT_EQ(event.get(Field::origin_from), "firewall");
}

TEST_F(KnownProcessTest, WhoIsNotKnownIsItsUser) {
  for (const Event& event : {ask(mail_question("x"), user, 31), ask(mail_question("x"), 1002)}) {
    EXPECT_FALSE(event.has(Field::verified));
    EXPECT_FALSE(event.has(Field::origin_from));
  }
}

}  // namespace
}  // namespace mailorigin::daemon
