// What becomes of a mail: the daemon's answer, or what happens without a daemon.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "client/asker.h"
#include "client/header_fields.h"
#include "core/wire/asking.h"

namespace mailorigin::client {

struct Outcome {
  enum class Kind : std::uint8_t {
    send,         // with `headers`
    denied,       // by the daemon: `reason`, `event_id`
    unreachable,  // no daemon, and none may leave without
  };
  Kind kind = Kind::send;
  HeaderFields headers;
  std::string reason;
  std::string event_id;           // may be empty
  std::uint64_t retry_after = 0;  // seconds, of a limit; 0: not known
};

// What the administrator wants, for a program that sends mail.
struct Conduct {
  std::string program{};  // its name in syslog
  std::string socket{};
  std::chrono::milliseconds timeout{0};  // the longest to wait for the daemon
  bool sends_without_daemon = true;
};

// Asks the daemon about a mail. One that leaves without a daemon has a header that
// says so, and is named in syslog.
Outcome ask_for_outcome(Asker& asker, const Conduct& conduct, Question question);

}  // namespace mailorigin::client
