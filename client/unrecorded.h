// The line about a mail that left although nothing recorded it.
#pragma once

#include <string>
#include <string_view>

#include "core/event.h"

namespace mailorigin::client {

// MO0301: its whole origin, as the sender knows it. `cause` says why it is unrecorded.
std::string unrecorded_line(const Event& claims, std::string_view cause);

}  // namespace mailorigin::client
