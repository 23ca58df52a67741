// What can be wrong with a whole configuration although each of its lines is right.
#pragma once

#include "mod_mailorigin/configuration.h"
#include "mod_mailorigin/faults.h"

namespace mailorigin::httpd {

// Adds to `faults` what would stop httpd, now or at a later reload, and to
// `configuration.warnings` what would not.
void check_configuration(apr_pool_t* pool, Configuration& configuration, Faults& faults);

}  // namespace mailorigin::httpd
