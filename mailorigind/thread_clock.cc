#include "mailorigind/thread_clock.h"

#include <time.h>

namespace mailorigin::daemon {

namespace {

std::uint64_t read_clock(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

std::uint64_t ThreadClock::wall_ns() { return read_clock(CLOCK_MONOTONIC); }

std::uint64_t ThreadClock::thread_ns() { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

}  // namespace mailorigin::daemon
