// Handlers that show or change what is the whole server's, as server-status and balancer-manager
// do: .htaccess may not name them. httpd knows no list of handlers; a module compares the
// request's with names of its own, so that these stand in its code.
#pragma once

#include "mod_mailorigin/handler_names.h"
#include "mod_mailorigin/httpd_api.h"

namespace mailorigin::httpd {

// Those of httpd's own modules, loaded or not; and the names in the code of every
// loaded module that has a handler and is not known to treat files, but for those that a module
// which does has as well, and those of AddHandler and Action in the server's own configuration.
HandlerNames page_handlers(const ap_directive_t* tree);

}  // namespace mailorigin::httpd
