// The setters of the firewall's directives.
#pragma once

#include "mod_mailorigin/httpd_api.h"

namespace mailorigin::httpd {

const char* set_firewall(cmd_parms* cmd, const char* argument);
const char* add_smtp_port(cmd_parms* cmd, const char* argument);
const char* add_smtp_user(cmd_parms* cmd, const char* argument);
const char* set_smtp(cmd_parms* cmd, const char* rule, const char* relay);
const char* add_smtp_destination(cmd_parms* cmd, const char* argument);
const char* set_smtp_local(cmd_parms* cmd, const char* argument);

}  // namespace mailorigin::httpd
