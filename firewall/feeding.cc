#include "firewall/feeding.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

#include "core/bytes.h"

namespace mailorigin::firewall {

namespace {

mo_ring_key ring_key(const SealKey& key) {
  const std::string bytes(key.secret.begin(), key.secret.end());
  return {
      key.id, 1, {little_endian<std::uint64_t>(bytes, 0), little_endian<std::uint64_t>(bytes, 8)}};
}

SealKey seal_key(const mo_ring_key& key) {
  std::string bytes;
  append_little_endian(bytes, key.id);
  append_little_endian(bytes, std::uint64_t{key.key.low});
  append_little_endian(bytes, std::uint64_t{key.key.high});
  return SealKey::from_bytes(bytes).value_or(SealKey{});
}

// Takes away what the last generation left; nothing has read it since the one in force is.
void sweep(const auto& map, std::uint32_t in_force) {
  for (const auto& key : map.keys()) {
    if (key.generation != in_force) map.erase(key);
  }
}

Status put_accounts(const KernelMaps& maps, const CompiledPolicy& policy,
                    std::uint32_t generation) {
  for (const auto& [uid, each] : policy.accounts) {
    if (Status put = maps.accounts.put({generation, mo_account_user, uid}, each); !put) return put;
  }
  for (const std::uint32_t uid : policy.blocked_users) {
    const mo_account blocked{0, 0, 0, {mo_rule_blocked, mo_local_deny, 0, 0, {}}};
    if (Status put = maps.accounts.put({generation, mo_account_blocked, uid}, blocked); !put) {
      return put;
    }
  }
  for (const std::uint32_t gid : policy.gids) {
    if (Status put = maps.accounts.put({generation, mo_account_group, gid}, {1, 0, 0, {}}); !put) {
      return put;
    }
  }
  return Done{};
}

Status put_allowed(const KernelMaps& maps, const CompiledPolicy& policy, std::uint32_t generation) {
  for (const AllowedDestination& each : policy.allowed) {
    mo_allowed_key key{
        mo_allowed_head_bits + std::uint32_t{each.prefix}, generation, each.list, each.port, 0, {}};
    std::copy(each.address.begin(), each.address.end(), key.address);
    key.is_ipv4 = mo_is_mapped(key.address) != 0;
    if (Status put = maps.allowed.put(key, 1); !put) return put;
  }
  return Done{};
}

std::unique_ptr<mo_config> config_of(const CompiledPolicy& policy,
                                     const std::optional<KeyRing>& keys, Mark mark) {
  auto config = std::make_unique<mo_config>();
  config->mode = static_cast<std::uint32_t>(policy.mode);
  config->blocks = policy.blocks;
  config->nobodys = policy.nobodys;
  config->mark = mark.value;
  config->mark_mask = mark.mask;
  if (keys) {
    config->current = ring_key(keys->current);
    if (keys->previous) config->previous = ring_key(*keys->previous);
  }
  for (const auto& [uid, each] : policy.accounts) {
    if (each.may != 0) config->users_that_may |= 1ULL << (uid & 63);
  }
  for (const std::uint32_t gid : policy.gids) config->groups_that_may |= 1ULL << (gid & 63);
  // MailOriginSmtpPorts
  for (const std::uint16_t port : policy.ports) config->is_smtp[port] = 1;
  return config;
}

}  // namespace

Status feed(const KernelMaps& maps, const CompiledPolicy& policy,
            const std::optional<KeyRing>& keys, Mark mark) {
  auto control = maps.control.find(KernelMaps::only);
  if (!control) return Error{"the map control cannot be read"};
  sweep(maps.policies, control->generation);
  sweep(maps.accounts, control->generation);
  sweep(maps.allowed, control->generation);

  std::uint32_t generation = control->generation + 1;
  if (generation == 0) generation = 2;  // 0 means none; the slot is the other one
  for (const auto& [vhost, each] : policy.policies) {
    const auto run_as = policy.run_as.find(vhost);
    const mo_host host{each, policy.off.contains(vhost) ? 1U : 0U,
                       run_as != policy.run_as.end() ? run_as->second : MO_ANY_UID};
    if (Status put = maps.policies.put({generation, vhost}, host); !put) return put;
  }
  if (Status put = put_accounts(maps, policy, generation); !put) return put;
  if (Status put = put_allowed(maps, policy, generation); !put) return put;
  if (Status put = maps.configs.put(generation & 1, *config_of(policy, keys, mark)); !put) {
    return put;
  }
  control->generation = generation;
  return maps.control.put(KernelMaps::only, *control);
}

std::unique_ptr<mo_config> config_in_force(const KernelMaps& maps) {
  const auto control = maps.control.find(KernelMaps::only);
  auto config = std::make_unique<mo_config>();
  if (!control || control->generation == 0 ||
      !maps.configs.read(control->generation & 1, *config)) {
    return nullptr;
  }
  return config;
}

FirewallMode mode_in_force(const KernelMaps& maps) {
  const auto config = config_in_force(maps);
  return config ? static_cast<FirewallMode>(config->mode) : FirewallMode::off;
}

std::optional<KeyRing> keys_of(const mo_config& config) {
  if (config.current.valid == 0) return std::nullopt;
  KeyRing ring{seal_key(config.current), std::nullopt};
  if (config.previous.valid != 0) ring.previous = seal_key(config.previous);
  return ring;
}

}  // namespace mailorigin::firewall
