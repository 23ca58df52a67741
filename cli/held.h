// `mailorigin held`, `mailorigin release`, `mailorigin discard`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.h"
#include "cli/output.h"

namespace mailorigin::cli {

extern const Command held_command;
extern const Command release_command;
extern const Command discard_command;

// A held_report(), a decided_report() for people.
std::string held_text(const nlohmann::json& report, const Style& style);
std::string decided_text(const nlohmann::json& report, const Style& style);

}  // namespace mailorigin::cli
