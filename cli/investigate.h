// mailorigin investigate PATH: what is known of a file.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.h"
#include "cli/output.h"

namespace mailorigin::cli {

extern const Command investigate_command;

// What it prints of a report.
std::string investigate_text(const nlohmann::json& report, const Style& style);

}  // namespace mailorigin::cli
