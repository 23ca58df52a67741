// What mailorigin is called with.
#pragma once

#include <span>
#include <string>

#include "cli/command.h"

namespace mailorigin::cli {

struct CommandLine {
  Common common;
  Run run;            // empty: `text` is all that was asked for
  std::string text;   // help or version; where there is an error, the usage
  std::string error;  // of usage: one sentence
};

CommandLine parse_command_line(std::span<const Command* const> commands, int count,
                               const char* const arguments[]);

}  // namespace mailorigin::cli
