// What to do about the daemon's messages that last: docs/messages.md's last column.
#pragma once

#include <string>
#include <string_view>

namespace mailorigin::reports {

// Of a message that begins with its number, "MO0212: ...".
std::string remedy_of_message(std::string_view text);

}  // namespace mailorigin::reports
