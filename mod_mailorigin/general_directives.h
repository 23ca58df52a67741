// The setters of what a virtual host is to MailOrigin, and what its mail carries.
#pragma once

#include "mod_mailorigin/httpd_api.h"

namespace mailorigin::httpd {

const char* set_enabled(cmd_parms* cmd, const char* argument);
const char* set_strict(cmd_parms* cmd, const char* argument);
const char* set_run_as(cmd_parms* cmd, const char* argument);
const char* add_header(cmd_parms* cmd, const char* name, const char* format);

}  // namespace mailorigin::httpd
