// What the kernel's programs decide by: put into their maps, and read back.
#pragma once

#include <memory>
#include <optional>

#include "core/key.h"
#include "core/policy.h"
#include "core/result.h"
#include "firewall/compiled_policy.h"
#include "firewall/kernel_maps.h"
#include "firewall/mark.h"

namespace mailorigin::firewall {

// Puts a policy in force, in one step.
Status feed(const KernelMaps& maps, const CompiledPolicy& policy,
            const std::optional<KeyRing>& keys, Mark mark);

// What the kernel decides by at the moment; null if there is nothing yet.
std::unique_ptr<mo_config> config_in_force(const KernelMaps& maps);
// The mode that is in force in the kernel; off if there is none.
FirewallMode mode_in_force(const KernelMaps& maps);
std::optional<KeyRing> keys_of(const mo_config& config);

}  // namespace mailorigin::firewall
