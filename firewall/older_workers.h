// php-fpm's workers that run since before the firewall, and that the kernel does not know.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "firewall/compiled_policy.h"
#include "firewall/limits.h"

namespace mailorigin::firewall {

struct OlderWorkers {
  std::size_t of_one_site = 0;  // whose user one site alone runs as
  std::size_t others = 0;
  bool observed = false;    // the others' connections, as yet (mo_older_grace_ticks)
  bool known_later = true;  // by the context of a request of theirs
  bool all_seen = true;     // or there were more processes than there was time for

  [[nodiscard]] std::size_t all() const { return of_one_site + others; }
};

// Looks through /proc for no longer than `patience`, in the order of process ids: who was there
// before the firewall comes first. `control` is the kernel's; is_registered(tgid) takes a process
// id as this process's pid namespace has it. In another namespace than the host's the kernel has
// other numbers: none of those that mailorigind introduces is known to it there.
OlderWorkers find_older_workers(const mo_control& control, const CompiledPolicy& policy,
                                const std::function<bool(std::uint32_t)>& is_registered,
                                std::chrono::milliseconds patience = older_workers_patience);

// What is done with their connections, as a sentence; empty where there are none.
std::string older_workers_text(const OlderWorkers& workers);

}  // namespace mailorigin::firewall
