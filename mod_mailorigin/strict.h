// MailOriginStrict: .htaccess, which runs before the handler, may reach neither
// PHP's settings nor the context on their way to PHP.
#pragma once

#include <unordered_map>

#include "mod_mailorigin/httpd_api.h"
#include "mod_mailorigin/php_values.h"

namespace mailorigin::httpd {

// What the server's own configuration gives to PHP; the null server's are
// those outside any <VirtualHost>.
using PhpValuesOfServers = std::unordered_map<const server_rec*, PhpValues>;
PhpValuesOfServers read_php_values(apr_pool_t* pool, const ap_directive_t* tree,
                                   const server_rec* main_server);

// Takes PHP_VALUE and PHP_ADMIN_VALUE out of the request's environment unless
// one of the two allows what is there; either may be null.
void keep_own_php_values(request_rec* request, const PhpValues* of_server,
                         const PhpValues* of_vhost);

// Gives the request mod_proxy_fcgi's settings of its virtual host, without
// those of directories and .htaccess: ProxyFCGISetEnvIf runs after every hook
// and could replace the context. `proxy_fcgi` is that module; null if not loaded.
void use_proxy_settings_of_vhost(request_rec* request, module* proxy_fcgi);

}  // namespace mailorigin::httpd
