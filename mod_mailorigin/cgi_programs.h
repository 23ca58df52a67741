// Which virtual hosts may run programs of their own as httpd's user: by mod_cgi and
// mod_cgid, and by mod_include, which asks these.
#pragma once

#include <string>

#include "mod_mailorigin/httpd_api.h"

namespace mailorigin::httpd {

bool has_cgi();

// What lets a program of the virtual host's run ("Options ExecCGI in /srv/shop"): its
// own settings, or those that its .htaccess may make; empty if nothing does. suexec is
// not looked at. `docroot` is the host's; `pool` for what is put together meanwhile.
std::string way_to_cgi(apr_pool_t* pool, const server_rec* server, const std::string& docroot);

}  // namespace mailorigin::httpd
