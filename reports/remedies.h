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

// Of an error, wherever it was met: every command says the same of a daemon that does not answer,
// and of an httpd that has not told it anything. Empty where the error says all there is.
std::string remedy_of(const Error& error);

}  // namespace mailorigin::reports
