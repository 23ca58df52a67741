// The packet mark of what is let out.
#pragma once

#include <cstdint>

namespace mailorigin::firewall {

struct Mark {
  std::uint32_t value = 0;
  std::uint32_t mask = 0;
};

}  // namespace mailorigin::firewall
