// One reading of the clocks for all that is done in one turn.
#pragma once

#include <cstdint>

namespace mailorigin::daemon {

struct Moment {
  std::uint64_t wall_ms = 0;
  std::uint64_t boottime_ns = 0;
  // For intervals.
  [[nodiscard]] std::uint64_t elapsed_ms() const { return boottime_ns / 1'000'000; }

  static Moment now();
};

}  // namespace mailorigin::daemon
