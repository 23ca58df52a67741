#include "reports/sizes.h"

#include <cstdio>
#include <iterator>

namespace mailorigin::reports {

std::string size_text(std::uint64_t bytes) {
  constexpr const char* units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  auto size = static_cast<double>(bytes);
  while (size >= 1024 && unit + 1 < std::size(units)) {
    size /= 1024;
    unit++;
  }
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 || size >= 100 ? "%.0f %s" : "%.1f %s", size,
                units[unit]);
  return text;
}

}  // namespace mailorigin::reports
