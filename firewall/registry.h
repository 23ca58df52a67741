// Registry: the processes whose origin the kernel knows.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "core/abi/layout.h"
#include "firewall/kernel_maps.h"

namespace mailorigin::firewall {

class Registry {
 public:
  // `maps` must outlive it.
  explicit Registry(const KernelMaps& maps) : maps_(maps) {}

  // Of a process that never was root. False: there is no room (counted).
  bool register_process(const mo_registration& registration);

  // What another version's pins know, and these maps do not.
  void take_over(const std::string& version);

  // Now and then: counters of the kernel's that stand at nothing.
  void drop_empty_shares();

  [[nodiscard]] bool is_registered(std::uint32_t tgid) const { return maps_.processes.has(tgid); }
  // That register_process() had no room for. Not among the kernel's counters: what it counts
  // between reading and writing those would be lost.
  [[nodiscard]] std::uint64_t without_room() const { return without_room_; }
  // That are registered, or inherited.
  [[nodiscard]] std::size_t processes() const;

 private:
  // Those that mailorigind registered in one map, by uid, and when they were counted.
  struct Registered {
    std::unordered_map<std::uint32_t, std::size_t> by_uid;
    std::size_t all = 0;
    std::chrono::steady_clock::time_point counted;

    void add(std::uint32_t uid) {
      by_uid[uid]++;
      all++;
    }
  };
  static bool has_room_for(std::uint32_t uid, std::size_t limit, const auto& map,
                           Registered& registered);
  bool register_page(const mo_registration& registration);
  bool register_origin(const mo_registration& registration);
  [[nodiscard]] bool verifies(const mo_registration& registration) const;
  void add_share(std::uint32_t uid, std::int32_t number);

  const KernelMaps& maps_;
  Registered with_page_;
  Registered with_origin_;
  std::uint64_t without_room_ = 0;
};

}  // namespace mailorigin::firewall
