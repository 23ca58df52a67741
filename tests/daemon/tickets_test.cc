#include "mailorigind/asking/tickets.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "mailorigind/limits.h"

namespace mailorigin::daemon {
namespace {

constexpr std::uint32_t tenant = 1001;
constexpr std::uint32_t neighbour = 1002;

Ulid id(std::uint32_t number) {
  Ulid id;
  for (std::size_t i = 0; i < 4; i++) {
    id.bytes[12 + i] = static_cast<std::uint8_t>(number >> (8 * i));
  }
  return id;
}

Nonce nonce(std::uint8_t number) {
  Nonce nonce{};
  nonce.fill(number);
  return nonce;
}

RecipientDigest to(std::string_view list) {
  RecipientSet set;
  set.add(list);
  return set.digest();
}

class TicketsTest : public ::testing::Test {
 protected:
  void issue(std::uint32_t number, std::uint32_t uid = tenant, std::uint64_t now_ms = 1000,
             bool submitted = false, Verdict verdict = Verdict::allow) {
    Answer answer;
    answer.id = id(number).text();
    answer.verdict = verdict;
    answer.nonce = nonce(99);
    tickets_.issue(answer, {uid, to("a@b"), submitted, 100 + number, now_ms});
  }
  std::optional<std::uint64_t> redeem(std::uint32_t number, std::uint8_t by = 1,
                                      std::uint32_t uid = tenant, std::string_view list = "a@b",
                                      Gate gate = Gate::submission, std::uint64_t now_ms = 2000) {
    const auto found = tickets_.find(gate, id(number), {uid, to(list), nonce(by)}, now_ms);
    if (found) tickets_.redeem(gate, id(number), nonce(by));
    return found;
  }

  Tickets tickets_;
};

TEST_F(TicketsTest, AreGoodOnceAtEachGate) {
  issue(1);
  EXPECT_EQ(redeem(1), 101u);
  EXPECT_EQ(redeem(1), 101u) << "the same question, repeated";
  EXPECT_EQ(redeem(1, 2), std::nullopt) << "shown twice";
  EXPECT_EQ(redeem(1, 3, tenant, "a@b", Gate::queue), 101u);
  EXPECT_EQ(redeem(1, 4, tenant, "a@b", Gate::queue), std::nullopt);
}

TEST_F(TicketsTest, AreWorthNothingForOthers) {
  issue(1);
  EXPECT_EQ(redeem(1, 1, neighbour), std::nullopt) << "stolen";
  EXPECT_EQ(redeem(1, 1, tenant, "a@b, victim@c"), std::nullopt);
  EXPECT_EQ(redeem(2), std::nullopt) << "never issued";
  const auto shown = tickets_.find(Gate::submission, id(1), {tenant, to("a@b"), nonce(5)}, 2000);
  EXPECT_EQ(shown, 101u) << "found, and not spent by that";
  EXPECT_EQ(redeem(1), 101u) << "and still is the owner's";
}

TEST_F(TicketsTest, AreNotIssuedForWhatMayNotLeave) {
  issue(1, tenant, 1000, false, Verdict::deny);
  EXPECT_EQ(redeem(1), std::nullopt);
}

TEST_F(TicketsTest, OfASubmissionHavePassedThatGate) {
  issue(1, tenant, 1000, true);
  EXPECT_EQ(redeem(1), std::nullopt);
  EXPECT_EQ(redeem(1, 1, tenant, "a@b", Gate::queue), 101u);
}

TEST_F(TicketsTest, AreGivenBackByTheQuestionThatHasThem) {
  issue(1);
  EXPECT_EQ(redeem(1, 3, tenant, "a@b", Gate::queue), 101u);
  tickets_.give_back(Gate::queue, id(1), nonce(4));
  EXPECT_EQ(redeem(1, 4, tenant, "a@b", Gate::queue), std::nullopt);
  tickets_.give_back(Gate::queue, id(1), nonce(3));
  EXPECT_EQ(redeem(1, 4, tenant, "a@b", Gate::queue), 101u);
  tickets_.give_back(Gate::queue, id(9), nonce(3));
}

TEST_F(TicketsTest, AreRecoveredAsTheyWere) {
  issue(1);
  issue(2);
  tickets_.redeem(Gate::submission, id(1), nonce(7));
  EXPECT_EQ(redeem(1), std::nullopt) << "shown before the restart";
  EXPECT_EQ(redeem(1, 7), 101u) << "its question, repeated";
  EXPECT_EQ(redeem(2), 102u);
}

TEST_F(TicketsTest, AgeOut) {
  issue(1);
  issue(2, tenant, 5000);
  EXPECT_EQ(redeem(1, 1, tenant, "a@b", Gate::queue, 1001 + ticket_memory_ms), std::nullopt);
  tickets_.expire(1001 + ticket_memory_ms);
  EXPECT_EQ(tickets_.size(), 1u);
  tickets_.expire(5001 + ticket_memory_ms);
  EXPECT_EQ(tickets_.size(), 1u) << "not looked for again so soon";
  tickets_.expire(1001 + ticket_memory_ms + tickets_swept_ms);
  EXPECT_EQ(tickets_.size(), 0u);
}

TEST_F(TicketsTest, OfOneUserAreBounded) {
  issue(1, neighbour);
  for (std::uint32_t i = 2; i < tickets_per_user + 12; i++) issue(i);
  EXPECT_EQ(tickets_.size(), tickets_per_user + 1);
  EXPECT_EQ(redeem(11), std::nullopt);
  EXPECT_TRUE(redeem(12));
  EXPECT_TRUE(redeem(1, 1, neighbour));
}

TEST_F(TicketsTest, OfManyUsersTakeNoPlaceFromOneWhoHasFew) {
  issue(0, neighbour);
  constexpr std::uint32_t each = 512;
  for (std::uint32_t i = 1; i < 2 * tickets_kept; i++) issue(i, 5000 + i / each);
  EXPECT_EQ(tickets_.size(), tickets_kept);
  EXPECT_TRUE(redeem(0, 1, neighbour));
}

}  // namespace
}  // namespace mailorigin::daemon
