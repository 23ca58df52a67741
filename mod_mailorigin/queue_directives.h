// The setters of the directives about the mail server's queue.
#pragma once

#include "mod_mailorigin/httpd_api.h"

namespace mailorigin::httpd {

const char* set_milter(cmd_parms* cmd, const char* place, const char* mode);
const char* set_milter_user(cmd_parms* cmd, const char* user, const char* mail_server);
const char* set_milter_on_failure(cmd_parms* cmd, const char* argument);
const char* set_mail_log(cmd_parms* cmd, const char* argument);
const char* set_unrecorded(cmd_parms* cmd, const char* argument);
const char* add_trusted_submitter(cmd_parms* cmd, const char* argument);

}  // namespace mailorigin::httpd
