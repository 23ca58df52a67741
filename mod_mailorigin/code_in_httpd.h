// Whether tenants' code may run inside httpd, beside the key, without being PHP's.
#pragma once

#include <string>

#include "mod_mailorigin/httpd_api.h"

namespace mailorigin::httpd {

// The module by which .htaccess files can run code in httpd's own processes ("mod_lua");
// empty if there is none, or httpd reads no .htaccess.
std::string module_for_code_of_htaccess(const server_rec* main_server);

}  // namespace mailorigin::httpd
