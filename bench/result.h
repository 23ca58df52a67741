// How a benchmark says what it has measured, so that bench/run finds it among all that it prints.
#pragma once

#include <algorithm>
#include <cstdio>
#include <vector>

namespace mailorigin::testing {

// The median of the rounds, and their spread. `goal`: "at most 1.01", "at least 0.9", or "none";
// `peer`: beside what it was measured. Neither has a "|" in it. Not for no round at all.
inline void say_result(const char* what, std::vector<double> rounds, const char* goal,
                       const char* peer) {
  std::sort(rounds.begin(), rounds.end());
  std::printf("= %s | %s | %.4g | %.4g | %.4g | %s\n", what, goal, rounds[rounds.size() / 2],
              rounds.front(), rounds.back(), peer);
  std::fflush(stdout);
}

}  // namespace mailorigin::testing
