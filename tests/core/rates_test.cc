#include "core/rates.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

namespace mailorigin {
namespace {

constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t hour = 3600 * second;
constexpr std::uint64_t start = 1'795'262'400 * second;

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

  std::string directory_;
  std::string path_;
};

TEST_F(Limits, AdmitTheBurstAndThenTheRate) {
  auto table = LimitTable::open(path_, 4);
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
  auto table = LimitTable::open(path_, 4);
  const LimitDemand demand{{7, 7}, {100, hour, 10}};
  std::uint64_t admitted = 0;
  for (std::uint64_t at = 0; at < 5 * hour; at += 7 * second) {
    admitted += leaves(*table, demand, start + at) ? 1 : 0;
  }
  EXPECT_LE(admitted, 10U + 500U);
  EXPECT_GE(admitted, 500U);
}

TEST_F(Limits, SeveralHoldTogetherAndARefusedMailCountsNowhere) {
  auto table = LimitTable::open(path_, 4);
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
  auto table = LimitTable::open(path_, 4);
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

TEST_F(Limits, AnObservedOneRefusesNothing) {
  auto table = LimitTable::open(path_, 4);
  const LimitDemand demand{{1, 0}, {1, hour, 1}, 1, false};
  EXPECT_FALSE(table->admit({&demand, 1}, start).observed_by);
  const Admission second_mail = table->admit({&demand, 1}, start);
  EXPECT_EQ(second_mail.observed_by, 0U);
  EXPECT_FALSE(second_mail.refused_by);
}

TEST_F(Limits, SurviveTheProcess) {
  const LimitDemand demand{{1, 2}, {1, hour, 1}};
  {
    auto table = LimitTable::open(path_, 4);
    EXPECT_TRUE(leaves(*table, demand, start));
  }
  auto table = LimitTable::open(path_, 4);
  EXPECT_FALSE(leaves(*table, demand, start + second));
  auto other_size = LimitTable::open(path_, 8);  // another form: begun anew
  EXPECT_TRUE(leaves(*other_size, demand, start + second));
}

TEST_F(Limits, KeepTheBusiestKeysWhenABucketIsFull) {
  auto table = LimitTable::open(path_, 1);
  const auto demand = [](std::uint64_t low, std::uint64_t burst) {
    return LimitDemand{{0, low}, {1, hour, burst}, burst};
  };
  EXPECT_TRUE(leaves(*table, demand(0, 100), start));  // due in 100 hours
  for (std::uint64_t low = 1; low < 1000; low++) leaves(*table, demand(low, 1), start);
  EXPECT_FALSE(leaves(*table, demand(0, 100), start));
}

TEST_F(Limits, IdleKeysLeaveAndBusyOnesStay) {
  auto table = LimitTable::open(path_, 1);
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
  auto table = LimitTable::open(path_, buckets);
  const auto size = std::filesystem::file_size(path_);
  EXPECT_EQ(size, buckets * LimitTable::bucket_slots * 24);
  for (std::uint64_t i = 0; i < 100'000; i++) {
    leaves(*table, {{i * 0x9E3779B97F4A7C15ULL, i}, {1, hour, 1}}, start);
  }
  EXPECT_EQ(std::filesystem::file_size(path_), size);
}

TEST_F(Limits, AClockSetBackMakesNobodyWaitLongerThanABurst) {
  auto table = LimitTable::open(path_, 4);
  const LimitDemand demand{{1, 0}, {60, hour, 5}};
  EXPECT_TRUE(leaves(*table, demand, start + 1000 * hour));
  const Admission back = table->admit({&demand, 1}, start);
  EXPECT_EQ(back.retry_after_ns, 60 * second);
}

TEST_F(Limits, TakeExtremeNumbers) {
  auto table = LimitTable::open(path_, 4);
  const LimitDemand huge{{1, 0}, {1, 24 * hour, 1'000'000'000}, 1'000'000'000};
  EXPECT_TRUE(leaves(*table, huge, start));
  const LimitDemand fast{{2, 0}, {1'000'000'000, second, 1'000'000'000}, UINT64_MAX};
  EXPECT_FALSE(leaves(*table, fast, start));
}

}  // namespace
}  // namespace mailorigin
