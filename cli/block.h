// `mailorigin block`, `unblock` and `blocks`.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.h"
#include "cli/output.h"

namespace mailorigin::cli {

extern const Command block_command;
extern const Command unblock_command;
extern const Command blocks_command;

// One block in a line, or in as many as the terminal needs.
std::string block_line(const nlohmann::json& block, const Style& style, std::size_t indent = 2);

// The facts of these commands for people.
std::string block_text(const nlohmann::json& block, const Style& style);
std::string unblock_text(const nlohmann::json& report, const Style& style);
std::string blocks_text(const nlohmann::json& report, const Style& style);

}  // namespace mailorigin::cli
