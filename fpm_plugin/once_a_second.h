// When to look again for what was not there: at most once a second, for a request
// must not cost more because something is missing.
#pragma once

#include <time.h>

namespace mailorigin::php {

class OnceASecond {
 public:
  bool is_due() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    if (last_ == now.tv_sec) return false;
    last_ = now.tv_sec;
    return true;
  }

  void reset() { last_ = 0; }

 private:
  time_t last_ = 0;
};

}  // namespace mailorigin::php
