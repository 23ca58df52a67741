/* The module's struct. A file of its own, and C, because httpd names a module
 * after its source: <IfModule mod_mailorigin.c>. */
#include "mod_mailorigin/module.h"

AP_DECLARE_MODULE(mailorigin) = {
    STANDARD20_MODULE_STUFF,
    NULL, /* per directory: nothing, tenants must not reach any of it */
    NULL,
    mailorigin_create_server_config,
    mailorigin_merge_server_config,
    mailorigin_directives,
    mailorigin_register_hooks,
    0, /* flags */
};
