// `mailorigin firewall`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.h"
#include "cli/output.h"

namespace mailorigin::cli {

extern const Command firewall_command;

// A firewall_report() for people.
std::string firewall_text(const nlohmann::json& report, const Style& style);

}  // namespace mailorigin::cli
