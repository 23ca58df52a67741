// A line to syslog, facility mail.
#pragma once

#include <string>
#include <string_view>

#include "core/event.h"

namespace mailorigin::php {

// MO0301: a mail that left although nothing recorded it. `cause` says why not.
void log_unrecorded(const Event& claims, const std::string& cause);

// Any other line, at most 8000 bytes; without line ends. Never blocks; where no
// syslog listens the line is lost, as syslog(3) loses it.
void log_line(std::string_view text);

}  // namespace mailorigin::php
