// The setters of where the daemon is, what it is started with, and whom the services run as.
#pragma once

#include "mod_mailorigin/httpd_api.h"

namespace mailorigin::httpd {

const char* add_socket(cmd_parms* cmd, const char* path, const char* mode);
const char* set_runtime_directory(cmd_parms* cmd, const char* argument);
const char* set_state_directory(cmd_parms* cmd, const char* argument);
const char* set_user(cmd_parms* cmd, const char* argument);
const char* set_firewall_user(cmd_parms* cmd, const char* argument);
const char* set_daemon(cmd_parms* cmd, const char* argument);

}  // namespace mailorigin::httpd
