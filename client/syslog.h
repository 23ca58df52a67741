// A line to syslog, facility mail.
#pragma once

#include <string_view>

namespace mailorigin::client {

// As a warning of `program`; at most 8000 bytes, without line ends. A syslog that is
// full is waited for, shortly. False where none has taken it.
bool log_line(std::string_view program, std::string_view text);

}  // namespace mailorigin::client
