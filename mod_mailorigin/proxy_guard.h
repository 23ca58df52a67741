// httpd as somebody's deputy: .htaccess can name any server for mod_proxy to connect to,
// and then it is httpd's user, not the tenant's, that connects. Where that is an SMTP
// port, the rules of the request's virtual host hold before httpd connects.
#pragma once

namespace mailorigin::httpd {

// For pre_config, where all modules are loaded: mod_proxy may come later than this one,
// or not at all.
void guard_proxy();

}  // namespace mailorigin::httpd
