// The commands: each asks the services, prints, and returns the exit status.
#pragma once

#include "cli/options.h"

namespace mailorigin {

inline constexpr int exit_well = 0;
inline constexpr int exit_to_do = 1;  // or not found
inline constexpr int exit_usage = 2;

int run_status(const Options& options);
int run_policy(const Options& options);
// With --remove it does not return but when mailorigin-firewall cannot be executed.
int run_firewall(const Options& options);

// One line on stderr.
void complain(const std::string& text);

}  // namespace mailorigin
