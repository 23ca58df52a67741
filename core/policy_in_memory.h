// A policy on its way to another process.
#pragma once

#include <cstddef>

#include "core/fd.h"
#include "core/policy.h"
#include "core/result.h"

namespace mailorigin {

// Of an encoded policy, in bytes; one of 10,000 virtual hosts takes about 5 MiB.
inline constexpr std::size_t policy_size_limit = 256 << 20;

// A sealed memfd of policy.encode(): whoever gets it may map it, and what it
// reads there does not change any more. Fails as the system calls do.
Result<Fd> policy_in_memory(const Policy& policy);

}  // namespace mailorigin
