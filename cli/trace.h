// `mailorigin trace`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.h"
#include "cli/output.h"

namespace mailorigin::cli {

extern const Command trace_command;

// A trace_report() for people.
std::string trace_text(const nlohmann::json& report, const Style& style);

}  // namespace mailorigin::cli
