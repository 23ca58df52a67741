// What to do about the daemon's messages that last: docs/messages.md's last column.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace mailorigin::reports {

// Of a message that begins with its number, "MO0212: ...".
std::string remedy_of_message(std::string_view text);

// What the errors of ask() begin with where mailorigind does not answer.
inline constexpr std::string_view daemon_unreachable = "mailorigind does not answer: ";
// And what they hold where somebody listens there, and says nothing.
inline constexpr std::string_view no_answer = "no answer within ";

// What an error begins with where there is no file of SQLite's store, and what to do then.
inline constexpr std::string_view store_missing = "the store is not there: ";
inline constexpr std::string_view store_missing_remedy =
    "put it back, where it was moved away; or restart mailorigind, which makes a new one "
    "(stop and "
    "start httpd; with MailOriginDaemon external: systemctl restart mailorigind)";

// Of an error, wherever it was met: every command says the same of a daemon that does not answer or
// is of another version, of an httpd that has not told it anything, and of a store that is gone.
// Empty where the error says all there is.
std::string remedy_of(const Error& error);

}  // namespace mailorigin::reports
