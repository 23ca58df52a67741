// Another program's words.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/result.h"

namespace mailorigin::reports {

inline constexpr std::size_t printed_limit = 64 << 20;  // bytes; what is more is not read

struct Finished {
  int status = 0;  // its exit status; 128 and more: a signal
  std::string printed;
  std::string complaint;  // on standard error, at most 64 KiB
};

// Runs it with an environment of its own, reads all that it says, and waits for it.
// `words` begin with its absolute path. Fails where it cannot be started.
Result<Finished> run_program(const std::vector<std::string>& words);

// Starts it and lets it go: nobody waits for it, and nobody hears what it says.
void start_program(const std::vector<std::string>& words);

}  // namespace mailorigin::reports
