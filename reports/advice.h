// What would stop mail like an event's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/blocks.h"
#include "core/event.h"
#include "core/policy.h"

namespace mailorigin::reports {

// Directive lines, as httpd reads them: for the virtual host that the event is of, the
// narrowest first; for the server where it is of none, or where the server keeps that host's from
// being enforced. What the policy has already is not said again. `policy` may be null.
std::vector<std::string> advice(const Event& event, const Policy* policy);

// Whether a line of these can only stand outside of any virtual host.
bool is_of_server(std::string_view advice_line);

// The script that sent: where the mailer library was called, else what httpd was asked for. Of
// code that was made by eval(), the file that made it; it is looked whether a file is called so.
std::string blamed_script(const Event& event);

// The command, as a shell reads it, that stops what is like the event at once: mail of that script,
// where it is the event's own (in its DocumentRoot, or its user's file) and can be written in one
// line; else of that site, or of that user; connections, where the firewall has let one through, of
// the site or the user. Empty where none of them is known. Looks whose the script's file is.
std::string block_command(const Event& event);

// Those that stop it now. They live as long as `blocks`.
std::vector<const Block*> blocks_of(const Event& event, const Blocks& blocks, std::uint64_t now_ms);

}  // namespace mailorigin::reports
