#include "service/process_stat.h"

#include <cstddef>
#include <utility>

#include "core/file.h"
#include "core/name_values.h"

namespace mailorigin::service {

namespace {

constexpr std::size_t stat_limit = 4096;

}  // namespace

std::optional<std::string> read_process_stat(const std::string& directory) {
  auto stat = read_file(directory + "/stat", stat_limit);
  if (!stat) return std::nullopt;
  return *std::move(stat);
}

std::optional<std::uint64_t> process_stat_number(std::string_view stat, ProcessStat place) {
  const std::size_t close = stat.rfind(')');
  if (close == std::string_view::npos) return std::nullopt;
  std::string_view rest = stat.substr(close + 1);
  for (int at = 2; at < static_cast<int>(place); at++) {
    const std::size_t space = rest.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(space + 1);
  }
  return parse_number(rest.substr(0, rest.find(' ')));
}

}  // namespace mailorigin::service
