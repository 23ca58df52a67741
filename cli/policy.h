// `mailorigin policy`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.h"
#include "cli/output.h"

namespace mailorigin::cli {

extern const Command policy_command;

// A policy_report() for people: a table, or with `whole` every directive of each.
std::string policy_text(const nlohmann::json& report, bool whole, const Style& style);

}  // namespace mailorigin::cli
