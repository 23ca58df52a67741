// mailorigin's command line.
#pragma once

#include <string>

#include "core/result.h"
#include "core/socket_paths.h"

namespace mailorigin {

enum class Command { help, version, status, policy, firewall };

struct Options {
  Command command = Command::help;
  std::string runtime_directory = default_runtime_directory;
  bool json = false;
  std::string vhost;    // of policy; empty: all of them
  bool remove = false;  // of firewall
};

extern const char usage_text[];

// The error is a usage error.
Result<Options> parse_options(int count, char* const arguments[]);

}  // namespace mailorigin
