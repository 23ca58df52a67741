// What a benchmark's program starts and writes, kept together, so that nothing of it is left.
#pragma once

#include <functional>

namespace mailorigin::testing {

// Runs `work` in a process of its own, with a /run and a /tmp of its own. When it ends, or when
// SIGTERM, SIGINT or SIGHUP ends this program, all that it has started and what it has written
// there goes with it. Needs root. The exit status: its own, or 128 and the signal that ended it;
// 1 if it cannot be contained, which is said.
int contained(const std::function<int()>& work);

}  // namespace mailorigin::testing
