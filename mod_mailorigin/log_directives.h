// The setters of the logs' directives.
#pragma once

#include "mod_mailorigin/httpd_api.h"

namespace mailorigin::httpd {

const char* add_log(cmd_parms* cmd, const char* target, const char* format);
const char* add_log_format(cmd_parms* cmd, const char* format, const char* nickname);

}  // namespace mailorigin::httpd
