// Programs: what runs in the kernel, loaded, attached, pinned and fed.
//
// The working directory is the pin directory (below a bpf file system that its
// user may not be able to reach by its path). The pins stand in a directory that
// is named after the layout of what they hold, so that another version's are
// replaced and never read.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/fd.h"
#include "core/key.h"
#include "core/result.h"
#include "firewall/compiled_policy.h"
#include "firewall/kernel/maps.h"

struct firewall_bpf;

namespace mailorigin::firewall {

struct Mark {
  std::uint32_t value = 0;
  std::uint32_t mask = 0;
};

class Programs {
 public:
  // Loads the programs around the maps that are pinned already, if there are any:
  // what they hold stays in force. `cgroup` is an open directory of cgroup2 and
  // must outlive this. Fails with the kernel's reason.
  static Result<std::unique_ptr<Programs>> load(int cgroup);
  ~Programs();
  Programs(const Programs&) = delete;
  Programs& operator=(const Programs&) = delete;

  // The mode that is in force in the kernel; off if there is none.
  [[nodiscard]] FirewallMode mode() const;
  // Of the policy in force.
  [[nodiscard]] std::optional<KeyRing> keys() const;

  // Puts a policy in force, in one step.
  Status feed(const CompiledPolicy& policy, const std::optional<KeyRing>& keys, Mark mark);

  // From now on connections are decided. Programs that were attached before are
  // replaced in place; then other versions' pins go.
  Status attach();

  // Attaches and pins again what somebody has detached or unpinned: what that
  // was, or nothing.
  Result<std::vector<std::string>> repair();

  // Of a process that never was root. False: there is no room (counted).
  bool add(const mo_registration& registration);

  [[nodiscard]] int ring() const;  // the ring buffer's map
  [[nodiscard]] mo_counters counters() const;
  [[nodiscard]] std::size_t processes() const;  // that are registered, or inherited
  [[nodiscard]] bool is_registered(std::uint32_t tgid) const;
  [[nodiscard]] std::uint64_t first_loaded_ticks() const;

  // Detaches and unpins everything of ours, of every version: what that was.
  // Needs no Programs; those of a running process are detached, too.
  static std::vector<std::string> remove();

 private:
  explicit Programs(int cgroup) : cgroup_(cgroup) {}
  Status open();
  Status attach_hook(std::size_t index);
  Status attach_tracepoint(std::size_t index);
  [[nodiscard]] bool hook_is_attached(int link) const;
  // Those that mailorigind registered in one map, by uid, and when they were counted.
  struct Registered {
    std::unordered_map<std::uint32_t, std::size_t> by_uid;
    std::chrono::steady_clock::time_point counted;
  };
  template <class Value>
  static bool has_room_for(std::uint32_t uid, std::size_t share, int map, Registered& registered);
  bool add_with_page(const mo_registration& registration);
  bool add_with_origin(const mo_registration& registration);
  void count_full();

  const int cgroup_;
  firewall_bpf* skeleton_ = nullptr;
  Registered with_page_;
  Registered with_origin_;
  std::vector<Fd> links_;  // as the programs in programs.cc
};

}  // namespace mailorigin::firewall
