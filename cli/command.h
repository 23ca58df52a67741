// A command of the command line: one file each, and a line in the table of commands.cc.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "core/default_paths.h"

namespace CLI {
class App;
}  // namespace CLI

namespace mailorigin::cli {

inline constexpr int exit_well = 0;
inline constexpr int exit_to_do = 1;  // or not found
inline constexpr int exit_usage = 2;

// The options that every command takes.
struct Common {
  std::string runtime_directory = default_runtime_directory;
  bool json = false;
};

// Asks the services, prints, and returns the exit status.
using Run = std::function<int(const Common& common)>;

struct Command {
  const char* name;
  const char* description;  // one line
  const char* example;      // a line for a shell
  // Adds what the command takes beside the common options. What it returns runs with them.
  Run (*add_options)(CLI::App& app);
};

// In the order in which --help lists them.
std::span<const Command* const> commands();

}  // namespace mailorigin::cli
