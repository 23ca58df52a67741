// The setter of where Exim asks about messages that enter its queue.
#pragma once

#include "mod_mailorigin/httpd_api.h"

namespace mailorigin::httpd {

const char* set_exim_socket(cmd_parms* cmd, const char* path, const char* mode);

}  // namespace mailorigin::httpd
