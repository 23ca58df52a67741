// Whose a connection is that the hooks have let out, and what they would say to it now.
#pragma once

#include <cstdint>

#include "firewall/compiled_policy.h"

namespace mailorigin::firewall {

// `opener` is what the kernel kept with its socket. As the hooks decide.
mo_decision decide_for(const CompiledPolicy& policy, const mo_opener& opener,
                       const IpAddress& destination, std::uint16_t port);

// Whether it may stay under `policy`. `before` is the one that held until then, if there was
// one: what a list of names allowed stays where it is in neither's, for the name has other
// addresses by now, and that is nobody's decision.
bool may_stay(const CompiledPolicy& policy, const CompiledPolicy* before, const mo_opener& opener,
              const IpAddress& destination, std::uint16_t port);

}  // namespace mailorigin::firewall
