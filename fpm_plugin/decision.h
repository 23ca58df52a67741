// What becomes of a mail: the daemon's answer, or what happens without a daemon.
#pragma once

#include <cstdint>
#include <string>

#include "core/wire/asking.h"
#include "fpm_plugin/header_text.h"

namespace mailorigin::php {

struct ModuleState;

struct Decision {
  enum class Kind : std::uint8_t {
    send,         // with `headers`
    denied,       // by the daemon: `reason`, `event_id`
    unreachable,  // no daemon and mailorigin.on_failure is deny, or no memory
  };
  Kind kind = Kind::send;
  HeaderFields headers;
  std::string reason;
  std::string event_id;           // may be empty
  std::uint64_t retry_after = 0;  // seconds, of a limit; 0: not known
};

// Asks the daemon about a mail, for at most mailorigin.timeout_ms. A mail that
// leaves without a daemon is named in syslog.
Decision decide(ModuleState& state, Question question);

}  // namespace mailorigin::php
