// What the firewall in the kernel knows of a process that has no word of its own for whose
// request it is, or none that holds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/abi/layout.h"
#include "core/context.h"
#include "core/key.h"
#include "core/policy.h"
#include "mailorigind/judging/process.h"

namespace mailorigin::daemon {

struct KnownProcess {
  Context context;  // its seal held, in the kernel
  // Of the call of PHP's that had started it, or what it descends from.
  std::string file, caller;
  std::uint64_t line = 0;
  Process worker;         // whose request it was
  bool detached = false;  // the worker is none of its ancestors any more
};

// What `snapshot`, which the kernel keeps under its pid, says of the process that is first in
// `lineage` and runs as `uid`. Nothing where that is another process, where it was another
// user's when the kernel took its copy, or where the context is not for that user. Of a
// context whose details were too long for it, the virtual host is `policy`'s.
std::optional<KnownProcess> known_process(const mo_snapshot& snapshot,
                                          const std::vector<Process>& lineage, uid_t uid,
                                          const std::optional<KeyRing>& keys, const Policy& policy,
                                          std::uint64_t boottime_ns);

}  // namespace mailorigin::daemon
