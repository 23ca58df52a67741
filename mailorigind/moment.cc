#include "mailorigind/moment.h"

#include <time.h>

#include "core/context.h"

namespace mailorigin::daemon {

Moment Moment::now() {
  timespec wall{};
  clock_gettime(CLOCK_REALTIME, &wall);
  return {static_cast<std::uint64_t>(wall.tv_sec) * 1000 +
              static_cast<std::uint64_t>(wall.tv_nsec) / 1'000'000,
          boottime_now_ns()};
}

}  // namespace mailorigin::daemon
