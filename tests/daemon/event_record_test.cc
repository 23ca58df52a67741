#include "mailorigind/journal/event_record.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>

#include "tests/harness/daemon.h"

namespace mailorigin::daemon {
namespace {

TEST(EventRecord, BringsBackTheEventAndTheAnswer) {
  Answer answer;
  answer.nonce.fill(7);
  answer.verdict = Verdict::deny;
  answer.reason = "busy";
  answer.id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  answer.headers = {{"X-Mail-Origin", "a"}, {"X-Other", ""}};
  Event event;
  event.set(Field::time, rfc3339(1'700'000'000'123));
  event.set(Field::id, answer.id);
  event.set(Field::verdict, "deny");
  event.set(Field::reason, "busy");
  event.set(Field::uid, std::uint64_t{1001});
  event.set(Field::subject, std::string("\0\r\n\xff", 4));
  event.set(Field::verified, true);
  std::string payload;
  append_payload(payload, 4'000'000'000, answer, event);

  EXPECT_EQ(payload_policy(payload), 4'000'000'000u);
  Event read = testing::mail_question("of before").claims;
  read_event(payload, read);
  EXPECT_EQ(read, event);
  const auto given = payload_answer(payload);
  ASSERT_TRUE(given);
  EXPECT_EQ(given->uid, 1001u);
  EXPECT_EQ(given->time_ms, 1'700'000'000'123u);
  EXPECT_EQ(given->answer.nonce, answer.nonce);
  EXPECT_EQ(given->answer.verdict, Verdict::deny);
  EXPECT_EQ(given->answer.id, answer.id);
  EXPECT_EQ(given->answer.reason, "busy");
  EXPECT_EQ(given->answer.headers, answer.headers);
  EXPECT_TRUE(given->answer.recorded);

  EXPECT_EQ(payload_policy(""), 0u);
  EXPECT_EQ(payload_answer("\xff\xff"), std::nullopt);
}

TEST(EventRecord, SaysForWhomItsIdIsATicket) {
  RecipientDigest recipients;
  recipients.fill(9);
  Event event;
  event.set(Field::kind, submit_kind);
  std::string payload;
  append_payload(payload, 1, {}, event, recipients);
  const auto given = payload_answer(payload);
  ASSERT_TRUE(given);
  EXPECT_EQ(given->recipients, recipients);
  EXPECT_TRUE(given->submitted);
  EXPECT_EQ(payload_redemption(payload), std::nullopt);
}

TEST(EventRecord, OfATicketThatWasShownIsNoEvent) {
  Redemption redemption{"01ARZ3NDEKTSV4RRFFQ69G5FAV", 1, {}};
  redemption.nonce.fill(7);
  std::string payload;
  append_redemption(payload, redemption);
  const auto read = payload_redemption(payload);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->id, redemption.id);
  EXPECT_EQ(read->gate, 1u);
  EXPECT_EQ(read->nonce, redemption.nonce);
  EXPECT_EQ(payload_answer(payload), std::nullopt);
  EXPECT_EQ(payload_policy(payload), std::nullopt);
}

TEST(EventRecord, TellsARepeatedQuestionFromAnother) {
  const Event claims = testing::mail_question("hello").claims;
  Event event = claims;
  event.set(Field::entry, "/from/the/context.php");
  event.set(Field::id, "x");
  std::string payload;
  append_payload(payload, 1, {}, event);
  EXPECT_TRUE(payload_repeats(payload, claims));
  EXPECT_FALSE(payload_repeats(payload, testing::mail_question("other").claims));
}

}  // namespace
}  // namespace mailorigin::daemon
