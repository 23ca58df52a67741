// What a request brings along, noted at its start.
#pragma once

#include <string>

namespace mailorigin::php {

struct RequestOrigin {
  // SSL_MAILORIGIN_CONTEXT; empty if there is none. A text that is longer than
  // any context is cut, and will not verify.
  std::string context;
  // The script that the SAPI was asked to run, without path_info and without empty
  // parts of its path; empty if it does not say.
  std::string entry;
};

// To be called before any script runs: a script can change the environment, and
// FPM forgets the script's name before it calls shutdown functions.
void note_request(RequestOrigin& request);

}  // namespace mailorigin::php
