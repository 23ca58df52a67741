// What would stop mail like an event's.
#pragma once

#include <string>
#include <vector>

#include "core/event.h"
#include "core/policy.h"

namespace mailorigin::reports {

// Directive lines, as httpd reads them: for the virtual host that the event is of, the
// narrowest first; for the server where it is of none. `vhost` may be null.
std::vector<std::string> advice(const Event& event, const VhostPolicy* vhost);

// The script that sent: where the mailer library was called, else what httpd was asked for. Of
// code that was made by eval(), the file that made it; it is looked whether a file is called so.
std::string blamed_script(const Event& event);

// The command, as a shell reads it, that stops mail of that script at once, or of that user where
// no script is known; empty where neither is.
std::string block_command(const Event& event);

}  // namespace mailorigin::reports
