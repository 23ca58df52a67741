#include "mailorigind/journal/segment_bases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

namespace mailorigin::daemon {
namespace {

constexpr std::uint64_t end = 1000;

TEST(SegmentBases, FindsTheSegmentAroundAPosition) {
  SegmentBases bases;
  bases.begin_with({100, 300, 700}, 4);
  EXPECT_EQ(bases.around(0, end), (std::pair{100UL, 300UL}));  // the first one after it
  EXPECT_EQ(bases.around(100, end), (std::pair{100UL, 300UL}));
  EXPECT_EQ(bases.around(299, end), (std::pair{100UL, 300UL}));
  EXPECT_EQ(bases.around(300, end), (std::pair{300UL, 700UL}));
  EXPECT_EQ(bases.around(700, end), (std::pair{700UL, end}));
  EXPECT_EQ(bases.around(5000, end), (std::pair{700UL, end}));
}

TEST(SegmentBases, UsesPlacesAgain) {
  SegmentBases bases;
  bases.begin_with({0, 10}, 3);
  for (std::uint64_t next = 20; next < 1000; next += 10) {
    bases.add(next);
    bases.remove_first();
    EXPECT_EQ(bases.all(), (std::vector{next - 10, next}));
    EXPECT_EQ(bases.first(), next - 10);
    EXPECT_EQ(bases.last(), next);
    EXPECT_EQ(bases.around(0, end), (std::pair{next - 10, next}));
  }
}

// Segments of 10 bytes: whoever reads finds one of them around its position, or a later one.
TEST(SegmentBases, IsReadWhileOneAddsAndAnotherRemoves) {
  constexpr std::uint64_t last = 10'000;
  SegmentBases bases;
  bases.begin_with({0}, 4);
  std::atomic<std::uint64_t> written{5};
  std::thread adds([&] {
    for (std::uint64_t base = 10; base <= last; base += 10) {
      while (bases.size() == 4) std::this_thread::yield();
      bases.add(base);
      written = base + 5;
    }
  });
  std::thread removes([&] {
    while (bases.first() < last) {
      while (bases.size() == 1) std::this_thread::yield();
      bases.remove_first();
    }
  });
  for (std::uint64_t position = 0; position < last;) {
    const std::uint64_t until = written;
    const auto [base, next] = bases.around(position, until);
    ASSERT_EQ(base % 10, 0U);
    if (position >= until) continue;
    if (base <= position) {
      ASSERT_LT(position, next);
    }
    ASSERT_LE(next, base + 10);
    position = std::max(position + 1, std::min(next, last));
  }
  adds.join();
  removes.join();
}

}  // namespace
}  // namespace mailorigin::daemon
