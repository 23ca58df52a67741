// The setters of the directives that say which mail may leave.
#pragma once

#include "mod_mailorigin/httpd_api.h"

namespace mailorigin::httpd {

const char* set_send(cmd_parms* cmd, const char* argument);
const char* add_denied_scripts(cmd_parms* cmd, int count, char* const arguments[]);
const char* add_limit(cmd_parms* cmd, int count, char* const arguments[]);
const char* set_max_recipients(cmd_parms* cmd, const char* argument, const char* option);
const char* add_sender_domains(cmd_parms* cmd, int count, char* const arguments[]);
const char* set_unverified(cmd_parms* cmd, const char* argument);

}  // namespace mailorigin::httpd
