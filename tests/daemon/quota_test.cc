#include "mailorigind/asking/quota.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "mailorigind/thread_clock.h"

namespace mailorigin::daemon {
namespace {

TEST(Quota, WhatWorkCostsIsOwedAndPaidOffBeforeMoreIsToBeHad) {
  Quota quota(1000, 10);  // a token a millisecond
  EXPECT_TRUE(quota.take(1000));
  quota.charge_time(token_ns * 109);  // to 100 below nothing, but for its end
  EXPECT_TRUE(quota.in_debt(1000));
  EXPECT_FALSE(quota.take(1000));
  EXPECT_FALSE(quota.take(1009)) << "ten are owed, as many as the bucket holds";
  EXPECT_FALSE(quota.take(1010));
  EXPECT_FALSE(quota.in_debt(1010));
  EXPECT_TRUE(quota.take(1011));
}

TEST(Quota, ATokenPaysForAnOrdinaryQuestion) {
  Quota quota(1, 2);
  EXPECT_TRUE(quota.take(1000));
  quota.charge_time(token_ns, token_ns);
  EXPECT_TRUE(quota.take(1000));
  quota.charge_time(token_ns + token_ns / 2, token_ns);
  EXPECT_TRUE(quota.in_debt(1000));
}

TEST(Quota, OfTheJournalTellsAFloodFromMail) {
  constexpr double mail = 2048;
  Quota shop(journal_rate, journal_burst);
  Quota flood(journal_rate, journal_burst);
  std::uint64_t now_ms = 1000;
  for (int second = 0; second < 86'400; second++, now_ms += 1000) {
    EXPECT_FALSE(shop.in_debt(now_ms));
    for (int i = 0; i < 8; i++) shop.charge(mail);
  }
  for (int second = 0; second < 4; second++, now_ms += 1000) {
    (void)flood.in_debt(now_ms);
    for (int i = 0; i < 2500; i++) flood.charge(mail);
  }
  EXPECT_TRUE(flood.in_debt(now_ms));
}

TEST(TurnShare, EndsByNumber) {
  TurnShare share;
  for (std::size_t i = 0; i < messages_per_user_and_turn; i++) EXPECT_TRUE(share.take(1));
  EXPECT_FALSE(share.take(1));
  EXPECT_TRUE(share.take(2));
}

TEST(TurnShare, EndsByTime) {
  TurnShare share;
  EXPECT_TRUE(share.take(1));
  share.used(user_turn_ns - 1);
  EXPECT_TRUE(share.take(1));
  share.used(1);
  EXPECT_FALSE(share.take(1));
  EXPECT_TRUE(share.take(2));
}

std::uint64_t wall;
std::uint64_t thread;
int thread_reads;

ThreadClock fake_clock() {
  wall = thread = thread_reads = 0;
  ThreadClock clock(
      100, [] { return wall; }, [] { return thread_reads++, thread; });
  clock.start();
  return clock;
}

TEST(ThreadClock, TakesWhatWasShortFromTheWall) {
  ThreadClock clock = fake_clock();
  wall += 60;
  EXPECT_EQ(clock.lap(), 60u);
  wall += 100;
  EXPECT_EQ(clock.lap(), 100u);
  EXPECT_EQ(thread_reads, 1) << "at the start";
}

TEST(ThreadClock, LeavesOutTheTimeOfOthers) {
  ThreadClock clock = fake_clock();
  wall += 60;
  thread += 60;
  EXPECT_EQ(clock.lap(), 60u);
  wall += 5000;  // of which others had the processor for 4,700
  thread += 300;
  EXPECT_EQ(clock.lap(), 300u);
  wall += 200;
  thread += 200;
  EXPECT_EQ(clock.lap(), 200u);
}

}  // namespace
}  // namespace mailorigin::daemon
