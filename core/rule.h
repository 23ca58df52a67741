// What becomes of something that a directive speaks of.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mailorigin {

// `observe` records the verdict that `deny` would give, and lets it pass.
enum class Rule : std::uint8_t { allow, observe, deny };
std::string_view rule_name(Rule rule);
std::optional<Rule> rule_named(std::string_view name);

}  // namespace mailorigin
