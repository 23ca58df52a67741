// The milter's limits, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>

namespace mailorigin::milter {

// Of one message, kept until it ends: what its sender rule, event and ticket need. Fields
// beyond it are not looked at; From then counts as longer than any rule believes.
inline constexpr std::size_t fields_limit = 256 << 10;  // bytes
// Envelope recipients, likewise. A mail with more of them is matched to no ticket.
inline constexpr std::size_t recipients_limit = 4 << 20;  // bytes

// Names of header fields that are counted, so that copies can be taken out by their place.
// From then on every name counts as the most copies that are ever taken out.
inline constexpr std::size_t names_counted = 1000;
inline constexpr unsigned copies_removed = 100;

// How long a message waits for the daemon: for one that is not there, as in a restart, and
// for one that does not answer. The mail server itself waits for minutes.
inline constexpr std::chrono::milliseconds absent_patience{2000};
inline constexpr std::chrono::milliseconds late_patience{10'000};

// How often the daemon is told that this milter is there: a daemon that has just started
// refuses what is to be held until then.
inline constexpr std::chrono::milliseconds presence_interval{250};

// How long the mail log is waited for to have a message's line.
inline constexpr std::chrono::milliseconds mail_log_patience{300};
inline constexpr std::chrono::milliseconds mail_log_step{5};
// After so many messages in a row without one it is looked at, and not waited for: Postfix
// logs elsewhere.
inline constexpr unsigned mail_log_misses = 3;
// Lines whose message does not come: the one that is under way, one that Postfix has not taken
// and one of a second Postfix. One more within this time, and nobody is believed until it has
// passed again: a queue id is an inode and the microsecond at which it was given, and who knows
// both nearly needs some thousand guesses.
inline constexpr std::chrono::minutes mail_log_memory{5};
inline constexpr std::size_t mail_log_lines_kept = 3;
// Messages whose line is late, or of a Postfix that logs elsewhere.
inline constexpr std::size_t mail_log_messages_kept = 64;
inline constexpr std::size_t mail_log_chunk = 64 << 10;  // bytes read at once

}  // namespace mailorigin::milter
