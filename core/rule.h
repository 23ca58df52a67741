// What becomes of something that a directive speaks of.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mailorigin {

// `observe` records the verdict that `deny` would give, and lets it pass. `hold`, of
// mail alone, has the mail server keep it. The first three have their numbers in the
// kernel's programs.
enum class Rule : std::uint8_t { allow, observe, deny, hold };
std::string_view rule_name(Rule rule);
std::optional<Rule> rule_named(std::string_view name);

// Whether `rule` lets less through than `other`.
bool is_stricter(Rule rule, Rule other);

}  // namespace mailorigin
