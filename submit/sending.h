// What mailorigin-sendmail does for each of its tasks. Each ends this process, as the
// real program or like it, or returns why nothing was sent.
#pragma once

#include "submit/exit_status.h"
#include "submit/settings.h"

namespace mailorigin::submit {

// Asks about the message on standard input, and becomes the real program.
Ending send_message(const Settings& settings);

// Asks about what a report about addresses says of its sender; the program reads nothing.
Ending send_probe(const Settings& settings);

// Stands between the real program and its caller, who speak SMTP.
Ending carry_dialogue(const Settings& settings, bool batch);

}  // namespace mailorigin::submit
