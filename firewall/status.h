// What the firewall says about itself.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "firewall/compiled_policy.h"
#include "firewall/kernel/maps.h"
#include "firewall/older_workers.h"

namespace mailorigin::firewall {

struct FirewallStatus {
  std::string engine;
  FirewallMode mode = FirewallMode::off;
  std::uint64_t loaded_at_ms = 0;  // since the epoch; 0: never
  const CompiledPolicy* policy = nullptr;
  mo_counters counters{};
  std::size_t processes = 0;
  std::size_t blocks = 0;  // in force, of all kinds
  OlderWorkers older_workers;
  std::set<std::string> failed_names;
  std::vector<std::string> refused_accounts;
  std::vector<std::string> tenants_in_groups;
  std::string feeding_fault;
  std::string programs_fault;
  std::string table_fault;
  std::string procfs_fault;  // why there is no /proc of its own
};

// A JSON object, described in docs/formats.md.
std::string status_json(const FirewallStatus& status);

}  // namespace mailorigin::firewall
