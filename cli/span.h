// Spans of time, as options take them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace mailorigin::cli {

// "90s", "15m", "1h", "7d" in milliseconds; at least a second, at most ten years.
std::optional<std::uint64_t> parse_span(std::string_view text);

// --since SPAN, into `span`: what parse_span() takes. The option is the app's.
CLI::Option* add_span_option(CLI::App& app, std::string& span, const std::string& description);

}  // namespace mailorigin::cli
