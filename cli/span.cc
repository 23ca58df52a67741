#include "cli/span.h"

#include <CLI/App.hpp>
#include <utility>

#include "core/name_values.h"

namespace mailorigin::cli {

std::optional<std::uint64_t> parse_span(std::string_view text) {
  constexpr std::pair<char, std::uint64_t> units[] = {
      {'s', 1000}, {'m', 60'000}, {'h', 3'600'000}, {'d', 86'400'000}};
  constexpr std::uint64_t longest = 3650ULL * 86'400'000;
  if (text.empty()) return std::nullopt;
  for (const auto& [letter, ms] : units) {
    if (text.back() != letter) continue;
    const auto number = parse_number(text.substr(0, text.size() - 1), longest / ms);
    if (!number || *number == 0) return std::nullopt;
    return *number * ms;
  }
  return std::nullopt;
}

CLI::Option* add_span_option(CLI::App& app, std::string& span, const std::string& description) {
  return app.add_option("--since", span, description)
      ->type_name("SPAN")
      ->check([](const std::string& text) {
        return parse_span(text) ? "" : "is no span: a number with s, m, h or d";
      });
}

}  // namespace mailorigin::cli
