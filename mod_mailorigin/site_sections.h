// <MailOriginSite name>: directives for a site, written outside of its virtual hosts.
#pragma once

#include <string>
#include <vector>

#include "mod_mailorigin/httpd_api.h"

namespace mailorigin::httpd {

// The section's own setter: reads what is in it.
const char* read_site_section(cmd_parms* cmd, void*, const char* argument) noexcept;

// Puts what the main server's sections say over what the virtual hosts of `servers` say, in the
// sections' order, wherever these stand. A name is looked for among ServerNames first, then among
// ServerAliases, and means all virtual hosts of the ServerName that it leads to. Warns of a name
// that nobody has.
void apply_site_sections(apr_pool_t* pool, server_rec* main_server,
                         const std::vector<server_rec*>& servers,
                         std::vector<std::string>& warnings);

}  // namespace mailorigin::httpd
