// When a line was written, by what it says.
#include "tracing/line_times.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include <cstdint>
#include <string_view>

namespace mailorigin::tracing {

namespace {

constexpr std::uint64_t noon_ms = 1'795'262'400'000;  // 2026-11-21 12:00:00 UTC

class LineTimes : public ::testing::Test {
 protected:
  LineTimes() { in_zone("UTC"); }
  ~LineTimes() override { in_zone("UTC"); }
  static void in_zone(const char* zone) {
    setenv("TZ", zone, 1);
    tzset();
  }
};

std::uint64_t time_of(std::string_view line, std::uint64_t near_s = noon_ms / 1000) {
  const auto time = LineClock(near_s).time_of(line);
  return time ? time->ms : 0;
}

TEST_F(LineTimes, OfEachForm) {
  for (const char* line :
       {"Nov 21 12:00:00 web1 sshd[1]: x", "Sat Nov 21 12:00:00 2026 1 192.0.2.1 5 /x.php b _ i r",
        "2026-11-21T12:00:00.123456+00:00 web1 x", "2026-11-21T13:00:00+01:00 web1 x",
        "2026-11-21T11:30:00-0030 web1 x", "2026-11-21T12:00:00Z web1 x",
        "2026-11-21 12:00:00 1abc", "2026-11-21 13:00:00 +0100 1abc",
        "2026-11-21 12:00:00,123 x"}) {
    EXPECT_EQ(time_of(line), noon_ms) << line;
  }
  EXPECT_EQ(LineClock(0).time_of("2026-11-21T12:00:00.123456+00:00 w")->size, 32U);
  EXPECT_EQ(LineClock(0).time_of("Sat Nov 21 12:00:00 2026 1")->size, 24U);
}

TEST_F(LineTimes, WithoutAZoneAreOfThisMachine) {
  in_zone("Europe/Berlin");
  EXPECT_EQ(time_of("Nov 21 13:00:00 web1 x"), noon_ms);
  EXPECT_EQ(time_of("2026-11-21 13:00:00 x"), noon_ms);
  EXPECT_EQ(time_of("2026-11-21T12:00:00+00:00 x"), noon_ms);
  // Each by its own day's rules.
  EXPECT_EQ(time_of("Jul 21 14:00:00 web1 x"), 1'784'635'200'000U);
}

TEST_F(LineTimes, WithoutAYearAreOfTheLastOneBefore) {
  EXPECT_EQ(time_of("Dec 31 23:59:59 w x", 1'767'225'600), 1'767'225'599'000U);
  EXPECT_EQ(time_of("Feb 29 12:00:00 w x", 1'709'208'000), 1'709'208'000'000U);
}

TEST_F(LineTimes, AreNoneWhereNothingIsSaid) {
  for (const char* line : {"", "x", "Nov 21 12:00", "Nov 32 12:00:00 x", "Foo 21 12:00:00 x y z",
                           "2026-13-01T12:00:00+00:00", "2026-11-21T25:00:00+00:00",
                           "9999-99-99T99:99:99 x[1]", "]: [[[[ ]: ]: ]: ]: ]: "}) {
    EXPECT_EQ(time_of(line), 0U) << line;
  }
  EXPECT_EQ(time_of({"Nov 21 12:00:00", 15}), noon_ms);
}

TEST_F(LineTimes, OfAccessLogs) {
  EXPECT_EQ(access_time_ms("192.0.2.7 - - [21/Nov/2026:13:00:00 +0100] \"GET /"), noon_ms);
  EXPECT_EQ(access_time_ms("[nothing] [21/Foo/2026:13:00:00 +0100]"), 0U);
  EXPECT_EQ(access_time_ms("[21/Nov/2026:13:00:00"), 0U);
  EXPECT_EQ(access_time_ms("[29/Feb/2024:00:00:00 +0000]"), 1'709'164'800'000U);
  EXPECT_EQ(access_time_ms("[01/Jan/1970:00:00:00 +0100]"), 0U);
}

}  // namespace

}  // namespace mailorigin::tracing
