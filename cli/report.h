// What commands that print a report have in common.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.h"
#include "cli/output.h"
#include "core/result.h"

namespace mailorigin::cli {

std::uint64_t now_ms();  // since the epoch

// Prints it, as JSON where that is asked for, else as `text` has it.
void print_facts(const nlohmann::json& report, const Common& common,
                 std::string (*text)(const nlohmann::json& report, const Style& style));

// The same, or says why there is none.
// The exit status; `found`: whether it has what was asked for.
int print_report(const Result<nlohmann::json>& report, const Common& common,
                 std::string (*text)(const nlohmann::json& report, const Style& style),
                 bool (*found)(const nlohmann::json& report));

// A report's `notes`: what is to be known about it.
std::string notes_text(const nlohmann::json& report, const Style& style);

// Name and value, the value broken below itself; nothing where there is none.
std::string fact(const std::string& name, const std::string& value, const Style& style);

// A report's `block` (a command) and `advice` (directive lines for a virtual host; empty: for the
// server); nothing where it has neither.
std::string advice_text(const nlohmann::json& report, const std::string& vhost, const Style& style);

}  // namespace mailorigin::cli
