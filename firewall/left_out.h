// LeftOut: whose connections were let through without an event, for want of room in their quota.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "firewall/kernel_maps.h"

namespace mailorigin::firewall {

class LeftOut {
 public:
  // How many since the last time, by uid, the most first; empty if there are none. Those that
  // were refused do not count.
  std::string news(const KernelMaps& maps);

 private:
  std::unordered_map<std::uint32_t, std::uint64_t> seen_;  // by uid
};

}  // namespace mailorigin::firewall
