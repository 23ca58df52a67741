#include "core/rule.h"

#include "core/enumeration.h"

namespace mailorigin {

namespace {

constexpr std::string_view rule_names[] = {"allow", "observe", "deny", "hold"};

}  // namespace

std::string_view rule_name(Rule rule) { return name_of(rule, rule_names); }

std::optional<Rule> rule_named(std::string_view name) {
  return value_named<Rule>(name, rule_names);
}

bool is_stricter(Rule rule, Rule other) {
  constexpr int strictness[] = {0, 1, 3, 2};  // of allow, observe, deny, hold
  return strictness[static_cast<int>(rule)] > strictness[static_cast<int>(other)];
}

}  // namespace mailorigin
