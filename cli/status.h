// `mailorigin status`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.h"
#include "cli/output.h"

namespace mailorigin::cli {

extern const Command status_command;

// A status_report() for people.
std::string status_text(const nlohmann::json& report, const Style& style);

}  // namespace mailorigin::cli
