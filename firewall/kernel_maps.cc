#include "firewall/kernel_maps.h"

#include <bpf/libbpf.h>

#include <optional>
#include <utility>

namespace mailorigin::firewall {

namespace {

// Remembers the first fault.
class Finder {
 public:
  explicit Finder(bpf_object* programs) : programs_(programs) {}

  template <class Map>
  std::optional<Map> find(const char* name) {
    auto made = Map::of(fd(name), name);
    if (!made) {
      if (!fault_) fault_ = made.error();
      return std::nullopt;
    }
    return *std::move(made);
  }
  [[nodiscard]] int fd(const char* name) const {
    return bpf_object__find_map_fd_by_name(programs_, name);
  }
  [[nodiscard]] const std::optional<Error>& fault() const { return fault_; }

 private:
  bpf_object* programs_;
  std::optional<Error> fault_;
};

}  // namespace

Result<KernelMaps> KernelMaps::of(bpf_object* programs) {
  Finder finder(programs);
  auto control = finder.find<decltype(KernelMaps::control)>("control");
  auto configs = finder.find<decltype(KernelMaps::configs)>("configs");
  auto policies = finder.find<decltype(KernelMaps::policies)>("policies");
  auto accounts = finder.find<decltype(KernelMaps::accounts)>("accounts");
  auto allowed = finder.find<decltype(KernelMaps::allowed)>("allowed");
  auto processes = finder.find<decltype(KernelMaps::processes)>("processes");
  auto snapshots = finder.find<decltype(KernelMaps::snapshots)>("snapshots");
  auto shares = finder.find<decltype(KernelMaps::shares)>("shares");
  auto all_shares = finder.find<decltype(KernelMaps::all_shares)>("all_shares");
  auto quotas = finder.find<decltype(KernelMaps::quotas)>("quotas");
  auto counters = finder.find<decltype(KernelMaps::counters)>("counters");
  if (finder.fault()) return *finder.fault();
  return KernelMaps{*control,
                    *configs,
                    *policies,
                    *accounts,
                    *allowed,
                    *processes,
                    *snapshots,
                    *shares,
                    *all_shares,
                    *quotas,
                    *counters,
                    finder.fd("events"),
                    finder.fd("openers")};
}

}  // namespace mailorigin::firewall
