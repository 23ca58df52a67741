// What a program of the system prints.
#pragma once

#include <string>
#include <vector>

#include "core/result.h"

namespace mailorigin::investigating {

// Runs it (an absolute path, its arguments, no shell) in the C locale, without input, and gives
// what it has printed to stdout, whatever its exit status. Fails where it cannot be started, takes
// longer than program_seconds or prints more than program_output_limit: it is ended then.
Result<std::string> output_of(const std::vector<std::string>& command);

}  // namespace mailorigin::investigating
