// KernelMaps: the maps of the kernel's programs, as far as they are read or written
// outside it.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/result.h"
#include "firewall/kernel/maps.h"
#include "firewall/typed_map.h"

struct bpf_object;

namespace mailorigin::firewall {

struct KernelMaps {
  // Of loaded programs, which must outlive it.
  static Result<KernelMaps> of(bpf_object* programs);

  // The one entry of a map that has one.
  static constexpr std::uint32_t only = 0;

  TypedMap<std::uint32_t, mo_control> control;
  TypedMap<std::uint32_t, mo_config> configs;  // by the last bit of the generation
  TypedMap<mo_policy_key, mo_host> policies;
  TypedMap<mo_account_key, mo_account> accounts;
  TypedMap<mo_allowed_key, std::uint8_t> allowed;
  TypedMap<std::uint32_t, mo_process> processes;  // by tgid
  TypedMap<std::uint32_t, mo_snapshot> snapshots;
  TypedMap<std::uint32_t, std::int32_t> shares;  // of inherited snapshots, by uid
  TypedMap<std::uint32_t, std::int32_t> all_shares;
  TypedMap<mo_quota_key, mo_quota> quotas;
  TypedMap<std::uint32_t, mo_counters> counters;
  int events;   // the ring buffer
  int openers;  // by socket: struct mo_opener

  [[nodiscard]] mo_counters counted() const { return counters.find(only).value_or(mo_counters{}); }
};

}  // namespace mailorigin::firewall
