// Room that many share: however many take all they can get, there is some for the next.
#include "core/abi/share.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace {

// What each of so many has when none of them gets one more.
std::vector<long long> shares(std::size_t users, long long limit) {
  std::vector<long long> taken(users);
  long long all = 0;
  for (bool more = true; more;) {
    more = false;
    for (long long& its : taken) {
      if (mo_has_room(its, all, limit) == 0) continue;
      its++;
      all++;
      more = true;
    }
  }
  return taken;
}

TEST(Share, OneAloneHasAQuarter) {
  EXPECT_EQ(shares(1, 4096)[0], 1024);
  EXPECT_EQ(shares(1, 32)[0], 8);
}

TEST(Share, SeveralHaveTheSame) {
  const auto four = shares(4, 4096);
  EXPECT_LE(
      *std::max_element(four.begin(), four.end()) - *std::min_element(four.begin(), four.end()), 1);
  EXPECT_EQ(four[0], 4096 / 7);
}

TEST(Share, ThereIsSomethingLeftForTheNext) {
  for (const std::size_t users : {1, 4, 10, 100, 1000}) {
    const auto taken = shares(users, 4096);
    EXPECT_NE(mo_has_room(0, std::accumulate(taken.begin(), taken.end(), 0LL), 4096), 0) << users;
  }
}

TEST(Share, NobodyHasRoomWhereThereIsNone) {
  EXPECT_EQ(mo_has_room(0, 4094, 4096), 0);
  EXPECT_EQ(mo_has_room(0, 5000, 4096), 0);
}

}  // namespace
