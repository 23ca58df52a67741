// mailorigind's command line.
#pragma once

#include <string>

#include "core/result.h"

namespace mailorigin::daemon {

struct Options {
  std::string user;  // a name, or "#uid"
  std::string state_directory;
  std::string runtime_directory;
  bool help = false;
  bool version = false;
};

extern const char usage_text[];

Result<Options> parse_options(int count, const char* const arguments[]);

}  // namespace mailorigin::daemon
