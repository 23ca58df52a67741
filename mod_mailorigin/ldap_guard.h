// What mod_ldap connects to for a request (see smtp_guard.h): mod_authnz_ldap's
// AuthLDAPURL may stand in .htaccess.
#pragma once

namespace mailorigin::httpd {

// For pre_config, where all modules are loaded.
void guard_ldap();

}  // namespace mailorigin::httpd
