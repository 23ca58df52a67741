#include "client/outcome.h"

#include "tests/client/daemon_side.h"

namespace mailorigin::client {
namespace {

class OutcomeTest : public DaemonSide {
 protected:
  Conduct conduct() const {
    return {.program = "client-test", .socket = path_, .timeout = milliseconds(5000)};
  }

  Outcome outcome_of(const Answer& given) {
    listen();
    std::thread daemon([&] {
      const Fd connection = accepted();
      answer(connection, received(connection), given);
    });
    Asker asker;
    Outcome outcome = ask_for_outcome(asker, conduct(), {});
    daemon.join();
    return outcome;
  }

  const HeaderFields unrecorded_{{"X-Mail-Origin", "unrecorded"}};
};

TEST_F(OutcomeTest, SendsWithTheDaemonsFields) {
  Answer given;
  given.headers = {{"X-Mail-Origin", "1"}};
  const Outcome outcome = outcome_of(given);
  EXPECT_EQ(outcome.kind, Outcome::Kind::send);
  EXPECT_EQ(outcome.headers, given.headers);
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
  const Outcome sent = ask_for_outcome(asker, conduct(), {});
  EXPECT_EQ(sent.kind, Outcome::Kind::send);
  EXPECT_EQ(sent.headers, unrecorded_);

  Conduct strict = conduct();
  strict.sends_without_daemon = false;
  EXPECT_EQ(ask_for_outcome(asker, strict, {}).kind, Outcome::Kind::unreachable);
}

TEST_F(OutcomeTest, WhatIsNotRecordedSaysSo) {
  Answer given;
  given.recorded = false;
  given.headers = {{"X-Mail-Origin", "1"}};
  const Outcome outcome = outcome_of(given);
  EXPECT_EQ(outcome.kind, Outcome::Kind::send);
  EXPECT_EQ(outcome.headers, unrecorded_);
}

}  // namespace
}  // namespace mailorigin::client
