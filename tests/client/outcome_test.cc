#include "client/outcome.h"

#include <sys/resource.h>
#include <syslog.h>

#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/client/daemon_side.h"

namespace mailorigin::client {
namespace {

class OutcomeTest : public DaemonSide {
 protected:
  Conduct conduct() const {
    return {.program = "client-test",
            .socket = path_,
            .patience = {milliseconds(5000), milliseconds(5000)},
            .sends_when_late = sends_when_late_};
  }

  Outcome outcome_of(const Answer& given, const Question& question = {}) {
    listen();
    std::thread daemon([&] {
      const Fd connection = accepted();
      answer(connection, received(connection), given);
    });
    Asker asker;
    Outcome outcome = ask_for_outcome(asker, conduct(), question, log_);
    daemon.join();
    return outcome;
  }

  std::vector<std::string> logged_;  // where no syslog listens
  bool logs_ = true;
  bool sends_when_late_ = false;
  OtherLog log_ = [this](std::string_view line) {
    logged_.emplace_back(line);
    return logs_;
  };
  const HeaderFields unrecorded_{{"X-Mail-Origin", "unrecorded"}};
};

TEST_F(OutcomeTest, SendsWithTheDaemonsFields) {
  Answer given;
  given.headers = {{"X-Mail-Origin", "1"}};
  const Outcome outcome = outcome_of(given);
  EXPECT_EQ(outcome.kind, Outcome::Kind::send);
  EXPECT_EQ(outcome.headers, given.headers);
}

TEST_F(OutcomeTest, AProbeNeverLeaves) {
  Question probe;
  probe.claims.set(Field::to, "probe@mailorigin.invalid");
  Answer given;
  given.headers = {{"X-Mail-Origin", "1"}};
  EXPECT_EQ(outcome_of(given, probe).kind, Outcome::Kind::denied);
  EXPECT_EQ(outcome_of(given, probe).reason, "unjudged");
  given.verdict = Verdict::deny;
  given.reason = "probe";
  EXPECT_EQ(outcome_of(given, probe).reason, "probe");
  Asker asker;
  Conduct without_daemon = conduct();
  without_daemon.socket += "-away";
  EXPECT_EQ(ask_for_outcome(asker, without_daemon, probe, log_).kind, Outcome::Kind::unasked);
  EXPECT_TRUE(logged_.empty());
}

TEST_F(OutcomeTest, SendsWhatTheMailServerIsToHold) {
  Answer given;
  given.verdict = Verdict::hold;
  given.headers = {{"X-Mail-Origin-Ticket", "1"}};
  const Outcome outcome = outcome_of(given);
  EXPECT_EQ(outcome.kind, Outcome::Kind::send);
  EXPECT_TRUE(outcome.held);
  EXPECT_EQ(outcome.headers, given.headers);
  EXPECT_FALSE(outcome_of(Answer()).held);
}

TEST_F(OutcomeTest, ARefusalTellsWhyInOneLine) {
  Answer given;
  given.verdict = Verdict::deny;
  given.id = "1\n";
  given.reason = "li\nmit";
  given.retry_after = 7;
  const Outcome outcome = outcome_of(given);
  EXPECT_EQ(outcome.kind, Outcome::Kind::denied);
  EXPECT_EQ(outcome.reason, "li mit");
  EXPECT_EQ(outcome.event_id, "1 ");
  EXPECT_EQ(outcome.retry_after, 7u);
  EXPECT_TRUE(outcome.headers.empty());
}

TEST_F(OutcomeTest, WithoutADaemonTheAdministratorsWordCounts) {
  Asker asker;
  const Outcome sent = ask_for_outcome(asker, conduct(), {}, log_);
  EXPECT_EQ(sent.kind, Outcome::Kind::send);
  EXPECT_EQ(sent.headers, unrecorded_);

  Conduct strict = conduct();
  strict.sends_without_daemon = false;
  EXPECT_EQ(ask_for_outcome(asker, strict, {}, log_).kind, Outcome::Kind::unasked);
}

TEST_F(OutcomeTest, WhatIsNotRecordedSaysSo) {
  Answer given;
  given.recorded = false;
  given.headers = {{"X-Mail-Origin", "1"}};
  sends_when_late_ = true;
  const Outcome outcome = outcome_of(given);
  EXPECT_EQ(outcome.kind, Outcome::Kind::send);
  EXPECT_EQ(outcome.headers, unrecorded_);
}

// A tenant can fill a disk.
TEST_F(OutcomeTest, ADaemonThatCannotRecordIsNotAnAbsentOne) {
  Answer given;
  given.recorded = false;
  const Outcome outcome = outcome_of(given);
  EXPECT_EQ(outcome.kind, Outcome::Kind::unasked);
  EXPECT_EQ(outcome.reason, "unwritable");
}

TEST_F(OutcomeTest, ARefusalStandsThoughItIsNotRecorded) {
  Answer given;
  given.recorded = false;
  given.verdict = Verdict::deny;
  given.reason = "policy";
  EXPECT_EQ(outcome_of(given).kind, Outcome::Kind::denied);
}

TEST_F(OutcomeTest, ALateDaemonIsNotAnAbsentOne) {
  listen();
  Conduct hasty = conduct();
  hasty.patience.late = milliseconds(20);
  Asker asker;
  const Outcome refused = ask_for_outcome(asker, hasty, {}, log_);
  EXPECT_EQ(refused.kind, Outcome::Kind::unasked);
  EXPECT_EQ(refused.reason, "late");

  hasty.sends_when_late = true;
  hasty.sends_without_daemon = false;
  const Outcome sent = ask_for_outcome(asker, hasty, {}, log_);
  EXPECT_EQ(sent.kind, Outcome::Kind::send);
  EXPECT_EQ(sent.headers, unrecorded_);
}

TEST_F(OutcomeTest, AnExhaustedProcessMaySendNothing) {
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{0, before.rlim_max};
  Conduct lax = conduct();
  lax.sends_when_late = true;
  Asker asker;
  setrlimit(RLIMIT_NOFILE, &none);
  const Outcome refused = ask_for_outcome(asker, lax, {}, log_);
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(refused.kind, Outcome::Kind::unasked);
  EXPECT_EQ(refused.reason, "exhausted");
}

TEST_F(OutcomeTest, WhatNoLogTakesDoesNotLeave) {
  if (access(_PATH_LOG, F_OK) == 0) GTEST_SKIP() << "a syslog listens";
  Asker asker;
  EXPECT_EQ(ask_for_outcome(asker, conduct(), {}, log_).kind, Outcome::Kind::send);
  ASSERT_EQ(logged_.size(), 1u);
  EXPECT_TRUE(logged_[0].starts_with("MO0301: "));

  logs_ = false;
  const Outcome refused = ask_for_outcome(asker, conduct(), {}, log_);
  EXPECT_EQ(refused.kind, Outcome::Kind::unasked);
  EXPECT_EQ(refused.reason, "unlogged");
}

}  // namespace
}  // namespace mailorigin::client
