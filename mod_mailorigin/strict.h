// MailOriginStrict: .htaccess, which runs before the handler, may reach neither
// PHP's settings nor the context on their way to PHP; what the server's own
// configuration says of them stays as it is. Nor may it name pages about the whole server.
#pragma once

#include "mod_mailorigin/handler_names.h"
#include "mod_mailorigin/httpd_api.h"

namespace mailorigin::httpd {

// Whether the server's own configuration, in any place, gives settings to PHP
// (PHP_VALUE, PHP_ADMIN_VALUE) or changes what mod_proxy_fcgi sends. Without that,
// whatever there is of them is .htaccess's.
bool has_settings_for_php(const ap_directive_t* tree);

// For post_perdir_config: a subrequest that takes the place of the request around it (by the
// server's own DirectoryIndex or FallbackResource) leaves its .htaccess behind, so that one
// says to those around it that there is one.
void tell_of_htaccess(request_rec* request);

// For post_perdir_config, where .htaccess has been read and nothing of it has run, and
// where has_settings_for_php(): keeps what is needed to tell one from the other.
void remember_before_htaccess(request_rec* request);

// Makes PHP_VALUE and PHP_ADMIN_VALUE in the request's environment what they would be without any
// .htaccess, and the settings of mod_proxy_fcgi as well: ProxyFCGISetEnvIf runs after
// every hook and could replace the context. `proxy_fcgi` is that module; null if not
// loaded.
void keep_htaccess_out(request_rec* request, module* proxy_fcgi);

// For post_perdir_config: a handler that the request has already is none of .htaccess's (JkMount).
void remember_handler(request_rec* request);

// True, and said in error_log, where .htaccess alone makes this request one of `pages`: the
// server's own sections do not name that handler for it by SetHandler. For the handler hook.
bool refuses_servers_page(const request_rec* request, const HandlerNames& pages);

// For open_htaccess: whether one of these two is asking, which wants none.
bool wants_no_htaccess(const request_rec* request);

}  // namespace mailorigin::httpd
