#include "core/rates.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace mailorigin {
namespace {

constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t hour = 3600 * second;
constexpr std::uint64_t start = 1'795'262'400 * second;  // of the wall clock

class Limits : public testing::Test {
 protected:
  Limits() {
    std::string pattern = "/tmp/mailorigin-limits-XXXXXX";
    directory_ = mkdtemp(pattern.data());
    path_ = directory_ + "/limits";
  }
  ~Limits() override { std::filesystem::remove_all(directory_); }

  static bool leaves(LimitTable& table, const LimitDemand& demand, std::uint64_t now) {
    return !table.admit({&demand, 1}, now).refused_by;
  }

  // The machine has been up for as long as there is time: the numbers below are both
  // clocks'.
  static LimitClock at(std::uint64_t now) { return {now, now, "a boot"}; }
  [[nodiscard]] Result<LimitTable> open(std::size_t buckets, std::uint64_t now = start) const {
    return LimitTable::open(path_, buckets, at(now));
  }

  std::string directory_;
  std::string path_;
};

TEST_F(Limits, WhatIsUsedIsLookedUpWithoutCounting) {
  auto table = open(4);
  const LimitDemand demand{{1, 2}, {60, hour, 3}};
  EXPECT_FALSE(table->look(demand, start));
  EXPECT_TRUE(leaves(*table, demand, start));
  for (int i = 0; i < 2; i++) {
    const auto used = table->look(demand, start + 1);
    ASSERT_TRUE(used);
    EXPECT_EQ(used->used, 1U);
    EXPECT_EQ(used->next_ns, 0U);
    EXPECT_EQ(used->whole_ns, 60 * second - 1);
  }
  EXPECT_FALSE(table->look({{1, 3}, {60, hour, 3}}, start));
  for (int i = 0; i < 2; i++) EXPECT_TRUE(leaves(*table, demand, start));
  const auto all = table->look(demand, start + second);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->used, 3U);
  EXPECT_EQ(all->next_ns, 59 * second);
  EXPECT_EQ(all->whole_ns, 179 * second);
  EXPECT_FALSE(leaves(*table, demand, start + second + all->next_ns - 1));
  EXPECT_TRUE(leaves(*table, demand, start + second + all->next_ns));
  EXPECT_FALSE(table->look(demand, start + hour));
}

TEST_F(Limits, AdmitTheBurstAndThenTheRate) {
  auto table = open(4);
  ASSERT_TRUE(table) << table.error().message;
  const LimitDemand demand{{1, 1}, {60, hour, 5}};  // one a minute
  for (int i = 0; i < 5; i++) EXPECT_TRUE(leaves(*table, demand, start)) << i;
  const Admission sixth = table->admit({&demand, 1}, start);
  EXPECT_EQ(sixth.refused_by, 0U);
  EXPECT_EQ(sixth.retry_after_ns, 60 * second);
  EXPECT_FALSE(leaves(*table, demand, start + 60 * second - 1));
  EXPECT_TRUE(leaves(*table, demand, start + 60 * second));
  EXPECT_FALSE(leaves(*table, demand, start + 60 * second));
  // After an idle spell the burst is whole again, and no more than the burst.
  int left = 0;
  for (int i = 0; i < 20; i++) left += leaves(*table, demand, start + 10 * hour) ? 1 : 0;
  EXPECT_EQ(left, 5);
}

TEST_F(Limits, AnyStretchAdmitsAtMostBurstPlusRate) {
  auto table = open(4);
  const LimitDemand demand{{7, 7}, {100, hour, 10}};
  std::uint64_t admitted = 0;
  for (std::uint64_t at = 0; at < 5 * hour; at += 7 * second) {
    admitted += leaves(*table, demand, start + at) ? 1 : 0;
  }
  EXPECT_LE(admitted, 10U + 500U);
  EXPECT_GE(admitted, 500U);
}

TEST_F(Limits, SeveralHoldTogetherAndARefusedMailCountsNowhere) {
  auto table = open(4);
  const LimitDemand wide{{1, 0}, {1000, hour, 3}};
  const LimitDemand tight{{2, 0}, {1, hour, 1}};
  const LimitDemand both[] = {wide, tight};
  EXPECT_FALSE(table->admit(both, start).refused_by);
  for (int i = 0; i < 10; i++) EXPECT_EQ(table->admit(both, start).refused_by, 1U);
  EXPECT_TRUE(leaves(*table, wide, start));  // 2 of 3: the refused ones took nothing
  EXPECT_TRUE(leaves(*table, wide, start));
  EXPECT_FALSE(leaves(*table, wide, start));
}

TEST_F(Limits, CountsUnits) {
  auto table = open(4);
  LimitDemand demand{{1, 0}, {100, hour, 100}, 60};
  EXPECT_TRUE(leaves(*table, demand, start));
  EXPECT_FALSE(leaves(*table, demand, start));
  demand.units = 40;
  EXPECT_TRUE(leaves(*table, demand, start));
  demand.units = 101;  // never: no wait makes it fit
  const Admission never = table->admit({&demand, 1}, start + 100 * hour);
  EXPECT_TRUE(never.refused_by);
  EXPECT_FALSE(never.retry_after_ns);
}

TEST_F(Limits, OneThatDoesNotRefuseIsNamed) {
  auto table = open(4);
  const LimitDemand demand{{1, 0}, {1, hour, 1}, 1, false};
  EXPECT_TRUE(table->admit({&demand, 1}, start).exceeded.empty());
  const Admission second_mail = table->admit({&demand, 1}, start);
  EXPECT_EQ(second_mail.exceeded, std::vector<std::size_t>{0});
  EXPECT_FALSE(second_mail.refused_by);
}

TEST_F(Limits, SurviveTheProcess) {
  const LimitDemand demand{{1, 2}, {1, hour, 1}};
  {
    auto table = open(4);
    EXPECT_TRUE(leaves(*table, demand, start));
  }
  auto table = open(4, start + second);
  EXPECT_FALSE(leaves(*table, demand, start + second));
  auto other_size = open(8, start + second);  // begun anew
  EXPECT_TRUE(leaves(*other_size, demand, start + second));
}

TEST_F(Limits, KeepTheBusiestKeysWhenABucketIsFull) {
  auto table = open(1);
  const auto demand = [](std::uint64_t low, std::uint64_t burst) {
    return LimitDemand{{0, low}, {1, hour, burst}, burst};
  };
  EXPECT_TRUE(leaves(*table, demand(0, 100), start));  // due in 100 hours
  for (std::uint64_t low = 1; low < 1000; low++) leaves(*table, demand(low, 1), start);
  EXPECT_FALSE(leaves(*table, demand(0, 100), start));
}

TEST_F(Limits, IdleKeysLeaveAndBusyOnesStay) {
  auto table = open(1);
  ASSERT_TRUE(table) << table.error().message;
  const auto busy = [](std::uint64_t low) { return LimitDemand{{0, low}, {1, hour, 100}, 100}; };
  for (std::uint64_t low = 1; low < LimitTable::bucket_slots; low++) {
    EXPECT_TRUE(leaves(*table, busy(low), start));
  }
  // One slot is left for a thousand others, each of them idle again when the next comes.
  for (std::uint64_t i = 0; i < 1000; i++) {
    const LimitDemand passing{{0, 1000 + i}, {1, second, 1}};
    EXPECT_TRUE(leaves(*table, passing, start + i * second)) << i;
    EXPECT_FALSE(leaves(*table, passing, start + i * second)) << i;
  }
  for (std::uint64_t low = 1; low < LimitTable::bucket_slots; low++) {
    EXPECT_FALSE(leaves(*table, busy(low), start + 1000 * second)) << low;
  }
}

TEST_F(Limits, TakeNoMoreRoomThanTheTable) {
  constexpr std::size_t buckets = 64;
  auto table = open(buckets);
  const auto size = std::filesystem::file_size(path_);
  EXPECT_EQ(size, LimitTable::head_size + (buckets + buckets / 4) * LimitTable::bucket_slots * 24);
  for (std::uint64_t i = 0; i < 100'000; i++) {
    leaves(*table, {{i * 0x9E3779B97F4A7C15ULL, i}, {1, hour, 1}}, start);
  }
  EXPECT_EQ(std::filesystem::file_size(path_), size);
}

TEST_F(Limits, NamesThatATenantChoosesPushOutNoOthers) {
  auto table = open(1);
  const LimitDemand host{{0, 0}, {1, hour, 1}};
  EXPECT_TRUE(leaves(*table, host, start));
  for (std::uint64_t name = 1; name < 1000; name++) {
    const LimitDemand script{{0, name}, {1, 24 * hour, 1}, 1, true, true};
    EXPECT_TRUE(leaves(*table, script, start));
  }
  EXPECT_FALSE(leaves(*table, host, start));
  // Nor the other way round.
  const LimitDemand last{{0, 999}, {1, 24 * hour, 1}, 1, true, true};
  for (std::uint64_t name = 1; name < 1000; name++) {
    (void)leaves(*table, {{1, name}, {1, 48 * hour, 1}}, start);
  }
  EXPECT_FALSE(leaves(*table, last, start));
}

// Nobody can compute which keys share a bucket: of those that would have under one
// table's secret, few do under another's.
TEST_F(Limits, WhichKeysMeetIsTheTablesSecret) {
  constexpr std::size_t buckets = 64;
  const auto full = [](std::uint64_t low) { return LimitDemand{{0, low}, {1, hour, 1}}; };
  const auto pushes_out_first = [&](LimitTable& table, std::uint64_t other) {
    // Twice as busy as the first one, as often as a bucket has slots: it goes if they meet.
    (void)leaves(table, full(0), start);
    for (std::uint64_t i = 0; i < LimitTable::bucket_slots; i++) {
      (void)leaves(table, {{other, i}, {1, 24 * hour, 1}}, start);
    }
    return leaves(table, full(0), start);
  };
  const auto pushed_out_by = [&] {
    std::vector<std::uint64_t> found;
    for (std::uint64_t other = 1; other < 2000; other++) {
      auto table = LimitTable::in_memory(buckets, at(start));
      if (pushes_out_first(*table, other)) found.push_back(other);
    }
    return found;
  };
  // Keys of one table would be the same ones in the next, were there no secret.
  const auto once = pushed_out_by();
  const auto again = pushed_out_by();
  std::vector<std::uint64_t> both;
  std::set_intersection(once.begin(), once.end(), again.begin(), again.end(),
                        std::back_inserter(both));
  EXPECT_LE(both.size(), 2U);
}

TEST_F(Limits, AClockThatWasAheadMakesNobodyWait) {
  const LimitDemand demand{{1, 0}, {60, hour, 5}};
  const auto spend = [&](LimitTable& table, std::uint64_t boottime) {
    int left = 0;
    for (int i = 0; i < 10; i++) left += leaves(table, demand, boottime) ? 1 : 0;
    return left;
  };
  {
    auto table = LimitTable::open(path_, 4, {start + 2 * hour, 100 * second, "one"});
    EXPECT_EQ(spend(*table, 100 * second), 5);
    // The wall clock is put right while it runs: a minute is a minute.
    EXPECT_FALSE(leaves(*table, demand, 159 * second));
    EXPECT_TRUE(leaves(*table, demand, 160 * second));
  }
  {
    // Another process, and a clock that is right now.
    auto table = LimitTable::open(path_, 4, {start + 60 * second, 220 * second, "one"});
    EXPECT_EQ(spend(*table, 220 * second), 1);
  }
  // After a boot, with a clock that seems to have gone back: no time has passed, and
  // from here on it does.
  auto table = LimitTable::open(path_, 4, {start + 50 * second, 5 * second, "two"});
  EXPECT_EQ(spend(*table, 5 * second), 0);
  EXPECT_EQ(spend(*table, 65 * second), 1);
  EXPECT_EQ(spend(*table, 125 * second), 1);
}

TEST_F(Limits, AClockThatIsPutAheadGivesNothing) {
  const LimitDemand demand{{1, 0}, {1, hour, 1}};
  {
    auto table = LimitTable::open(path_, 4, {start, 100 * second, "one"});
    EXPECT_TRUE(leaves(*table, demand, 100 * second));
  }
  auto table = LimitTable::open(path_, 4, {start + 100 * hour, 101 * second, "one"});
  EXPECT_FALSE(leaves(*table, demand, 101 * second));
}

TEST_F(Limits, TheTimeBetweenTwoBootsCounts) {
  const LimitDemand demand{{1, 0}, {1, hour, 1}};
  {
    auto table = LimitTable::open(path_, 4, {start, 1000 * second, "one"});
    EXPECT_TRUE(leaves(*table, demand, 1060 * second));
  }
  {
    auto table = LimitTable::open(path_, 4, {start + hour, 10 * second, "two"});
    EXPECT_FALSE(leaves(*table, demand, 10 * second));
    EXPECT_TRUE(leaves(*table, demand, 70 * second));
  }
  // Where boots cannot be told from each other, the wall clock is all there is.
  auto table = LimitTable::open(path_, 4, {start + 3 * hour, 80 * second, ""});
  EXPECT_TRUE(leaves(*table, demand, 80 * second));
}

TEST_F(Limits, AFileOfTheFormBeforeIsBegunAnew) {
  std::ofstream(path_) << std::string(LimitTable::file_size(4), '\x7f');
  auto table = open(4);
  ASSERT_TRUE(table);
  EXPECT_TRUE(leaves(*table, {{1, 0}, {1, hour, 1}}, start));
}

TEST_F(Limits, TakeExtremeNumbers) {
  auto table = open(4);
  const LimitDemand huge{{1, 0}, {1, 24 * hour, 1'000'000'000}, 1'000'000'000};
  EXPECT_TRUE(leaves(*table, huge, start));
  const LimitDemand fast{{2, 0}, {1'000'000'000, second, 1'000'000'000}, UINT64_MAX};
  EXPECT_FALSE(leaves(*table, fast, start));
}

}  // namespace
}  // namespace mailorigin
