#include "firewall/process_stat.h"

#include "core/name_values.h"

namespace mailorigin::firewall {

std::optional<std::uint64_t> process_stat_field(std::string_view stat, int field) {
  const std::size_t close = stat.rfind(')');
  if (close == std::string_view::npos) return std::nullopt;
  std::string_view rest = stat.substr(close + 1);
  for (int at = 2; at < field; at++) {
    const std::size_t space = rest.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(space + 1);
  }
  return parse_number(rest.substr(0, rest.find(' ')));
}

}  // namespace mailorigin::firewall
