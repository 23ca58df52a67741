// A line to syslog, facility mail.
#pragma once

#include <string_view>

namespace mailorigin::client {

// As a warning of `program`; at most 8000 bytes, without line ends. Never blocks;
// where no syslog listens the line is lost, as syslog(3) loses it.
void log_line(std::string_view program, std::string_view text);

}  // namespace mailorigin::client
