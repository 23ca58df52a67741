// `mailorigin tail`.
#pragma once

#include <string>

#include "cli/command.h"
#include "cli/output.h"
#include "core/event.h"

namespace mailorigin::cli {

extern const Command tail_command;

// An event in one line for people.
std::string event_line(const Event& event, const Style& style);

}  // namespace mailorigin::cli
