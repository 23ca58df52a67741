// Programs: what runs in the kernel, loaded, attached and pinned.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/fd.h"
#include "core/key.h"
#include "core/result.h"
#include "firewall/kernel_maps.h"
#include "firewall/registry.h"

struct firewall_bpf;

namespace mailorigin::firewall {

class Programs {
 public:
  // Loads the programs around the maps that are pinned already, if there are any:
  // what they hold stays in force. `cgroup` is an open directory of cgroup2 and
  // must outlive this. Fails with the kernel's reason.
  static Result<std::unique_ptr<Programs>> load(int cgroup);
  ~Programs();
  Programs(const Programs&) = delete;
  Programs& operator=(const Programs&) = delete;

  // From now on connections are decided. Programs that were attached before are
  // replaced in place. Of other versions, what they know is taken over; then their pins go.
  Status attach();

  // Attaches and pins again what somebody has detached or unpinned: what that
  // was, or nothing.
  Result<std::vector<std::string>> repair();

  // Of the policy in force; before there is one, of that which another version had.
  [[nodiscard]] std::optional<KeyRing> keys() const;

  [[nodiscard]] const KernelMaps& maps() const { return maps_; }
  // The map of what each process has for its origin (mo_snapshot, by tgid), for reading alone;
  // below 0 where its pin was taken away.
  [[nodiscard]] int origins() const { return origins_.get(); }
  // The program that tells who opened a connection (mo_opener_question).
  [[nodiscard]] int teller() const;
  // The kernel's counters, and what is counted here.
  [[nodiscard]] mo_counters counted() const {
    mo_counters all = maps_.counted();
    all.unregistered_full += registry_.without_room();
    return all;
  }
  [[nodiscard]] Registry& registry() { return registry_; }
  [[nodiscard]] const Registry& registry() const { return registry_; }

 private:
  struct Unload {
    void operator()(firewall_bpf* skeleton) const;
  };
  using Skeleton = std::unique_ptr<firewall_bpf, Unload>;

  Programs(int cgroup, Skeleton skeleton, KernelMaps maps);
  static Result<Skeleton> load_skeleton();
  Status attach_hook(std::size_t index);
  Status attach_tracepoint(std::size_t index);
  [[nodiscard]] bool hook_is_attached(int link) const;

  const int cgroup_;
  Skeleton skeleton_;
  KernelMaps maps_;
  Registry registry_;
  Fd origins_;
  std::vector<Fd> links_;  // as the attachments in programs.cc
};

}  // namespace mailorigin::firewall
