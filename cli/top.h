// `mailorigin top`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.h"
#include "cli/output.h"

namespace mailorigin::cli {

extern const Command top_command;

// A top_report() for people.
std::string top_text(const nlohmann::json& report, const Style& style);

}  // namespace mailorigin::cli
