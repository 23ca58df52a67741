// `mailorigin limits`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.h"
#include "cli/output.h"

namespace mailorigin::cli {

extern const Command limits_command;

// The facts of `limits` for people, and those of `limits --reset`.
std::string limits_text(const nlohmann::json& report, const Style& style);
std::string limits_reset_text(const nlohmann::json& report, const Style& style);

}  // namespace mailorigin::cli
