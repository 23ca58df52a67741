// `mailorigin top`.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "cli/command.h"
#include "cli/output.h"

namespace mailorigin::cli {

extern const Command top_command;

// A top_report() for people.
std::string top_text(const nlohmann::json& report, const Style& style);

// "90s", "15m", "1h", "7d" in milliseconds; at least a second, at most ten years.
std::optional<std::uint64_t> parse_span(std::string_view text);

}  // namespace mailorigin::cli
