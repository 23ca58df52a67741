#include "mailorigind/asking/waiting_answers.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace mailorigin::daemon {
namespace {

WaitingAnswer waiting(int fd, uid_t uid, std::uint64_t deadline_ms) {
  return {fd, 1, uid, deadline_ms, {}};
}

TEST(WaitingAnswers, AreTakenOnceWhenWhatTheyWaitForIsKnown) {
  WaitingAnswers answers;
  const Awaited first{Awaited::From::firewall, 1};
  answers.add(first, waiting(4, 1001, 100));
  answers.add(first, waiting(5, 1002, 100));
  answers.add({Awaited::From::firewall, 2}, waiting(6, 1001, 100));
  EXPECT_EQ(answers.count_of(1001), 2u);
  const auto taken = answers.take(first);
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(taken[0].fd, 4);
  EXPECT_EQ(taken[1].fd, 5);
  EXPECT_TRUE(answers.take(first).empty());
  EXPECT_EQ(answers.size(), 1u);
}

TEST(WaitingAnswers, AreTakenAtTheirDeadlineAndNotAgain) {
  WaitingAnswers answers;
  EXPECT_EQ(answers.next_deadline_ms(), UINT64_MAX);
  const Awaited second{Awaited::From::firewall, 2};
  answers.add({Awaited::From::firewall, 1}, waiting(4, 1001, 300));
  answers.add(second, waiting(5, 1001, 200));
  EXPECT_EQ(answers.next_deadline_ms(), 200u);
  EXPECT_TRUE(answers.take_overdue(199).empty());
  const auto overdue = answers.take_overdue(200);
  ASSERT_EQ(overdue.size(), 1u);
  EXPECT_EQ(overdue[0].fd, 5);
  EXPECT_TRUE(answers.take(second).empty()) << "it comes too late";
  EXPECT_EQ(answers.next_deadline_ms(), 300u);
}

TEST(WaitingAnswers, HaveRoomForOthersAfterAFewUsersHaveTakenAllTheyCan) {
  WaitingAnswers answers;
  std::uint64_t number = 0;
  for (uid_t uid = 1; uid <= 6; uid++) {
    std::size_t taken = 0;
    for (; answers.has_room_for(uid, 32, 8); taken++) {
      answers.add({Awaited::From::firewall, number++}, waiting(4, uid, 100));
    }
    EXPECT_GE(taken, 1u);
    EXPECT_LE(taken, 8u);
  }
  EXPECT_TRUE(answers.has_room_for(7, 32, 8));
  while (answers.size() < 32) answers.add({Awaited::From::firewall, number++}, waiting(4, 8, 100));
  EXPECT_FALSE(answers.has_room_for(7, 32, 8));
}

}  // namespace
}  // namespace mailorigin::daemon
