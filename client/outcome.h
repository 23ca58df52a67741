// What becomes of a mail: the daemon's answer, or what happens without one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "client/asker.h"
#include "client/header_fields.h"
#include "core/wire/asking.h"

namespace mailorigin::client {

struct Outcome {
  enum class Kind : std::uint8_t {
    send,     // with `headers`; `event_id`, `held`
    denied,   // by the daemon: `reason`, `event_id`
    unasked,  // there is no answer, and none may leave without: `reason` says why
  };
  Kind kind = Kind::send;
  HeaderFields headers;
  bool held = false;              // in its queue the mail server will hold it
  std::string reason;             // a stable word
  std::string event_id;           // may be empty
  std::uint64_t retry_after = 0;  // seconds, of a limit or a block; 0: not known
  std::string explanation{};      // an administrator's, in one line; may be empty

  // This process has no descriptor or memory left to ask or to send.
  static Outcome exhausted();
};

// What the administrator wants, for a program that sends mail.
struct Conduct {
  std::string program{};  // its name in syslog
  std::string socket{};
  Patience patience{};
  bool sends_without_daemon = true;  // mailorigin.on_failure
  bool sends_when_late = false;      // mailorigin.on_timeout, an unwritable journal's as well
};

// Where a line goes that syslog does not take; false if that is nowhere.
using OtherLog = std::function<bool(std::string_view)>;

// Asks the daemon about a mail. One that leaves without an answer has a header that
// says so, and is named in a log; where none takes the line it does not leave. May
// throw std::bad_alloc: then it must not leave either.
Outcome ask_for_outcome(Asker& asker, const Conduct& conduct, const Question& question,
                        const OtherLog& other_log);

}  // namespace mailorigin::client
