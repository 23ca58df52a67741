// A policy on its way to another process.
#pragma once

#include "core/fd.h"
#include "core/policy.h"
#include "core/result.h"

namespace mailorigin {

// A sealed memfd of policy.encode(): whoever gets it may map it, and what it
// reads there does not change any more. Fails as the system calls do.
Result<Fd> policy_in_memory(const Policy& policy);

}  // namespace mailorigin
