// The setters of where events are kept to be looked up, and for how long.
#pragma once

#include "mod_mailorigin/httpd_api.h"

namespace mailorigin::httpd {

const char* set_store(cmd_parms* cmd, const char* driver, const char* params);
const char* set_retention(cmd_parms* cmd, const char* argument);

}  // namespace mailorigin::httpd
