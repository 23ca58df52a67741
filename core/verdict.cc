#include "core/verdict.h"

#include <algorithm>
#include <iterator>

namespace mailorigin {

namespace {

constexpr std::string_view verdict_names[] = {"allow", "observe", "hold", "deny", "redirect"};

}  // namespace

std::string_view verdict_name(Verdict verdict) {
  return verdict_names[static_cast<std::size_t>(verdict)];
}

std::optional<Verdict> verdict_named(std::string_view name) {
  const auto* const found = std::find(std::begin(verdict_names), std::end(verdict_names), name);
  if (found == std::end(verdict_names)) return std::nullopt;
  return static_cast<Verdict>(found - std::begin(verdict_names));
}

}  // namespace mailorigin
