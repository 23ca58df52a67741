// ProcessOrigins: what the firewall in the kernel keeps of processes, read without any capability.
//
// A process that a request has started has a copy of the request's origin there, which nothing in
// user space can write or lose, for as long as it runs: docs/design/0009. The map's descriptor
// reads alone.
#pragma once

#include <sys/types.h>

#include <optional>
#include <utility>

#include "core/abi/layout.h"
#include "core/fd.h"
#include "core/result.h"

namespace mailorigin::daemon {

class ProcessOrigins {
 public:
  // Fails where it is no map of mo_snapshot by tgid, or this process may not read it.
  static Result<ProcessOrigins> of(Fd map);

  // Of whatever process has this id now, or had it: whose it is says its start. Takes some
  // microseconds, and waits for nobody.
  [[nodiscard]] std::optional<mo_snapshot> find(pid_t pid) const;

 private:
  explicit ProcessOrigins(Fd map) : map_(std::move(map)) {}

  Fd map_;
};

}  // namespace mailorigin::daemon
