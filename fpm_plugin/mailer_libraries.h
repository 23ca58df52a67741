// Which code belongs to a library that sends mail for others, so that the caller that
// an event names is who uses it.
#pragma once

#include <string>
#include <vector>

#include "fpm_plugin/php_api.h"

namespace mailorigin::php {

// By the code's own class, function and namespace, since directories have other names
// at each site, and by the file that its class should be in: a file that somebody put
// among a library's is not the library. `more` are mailorigin.mailers.
bool is_mailer_library(const zend_op_array& code, const std::vector<std::string>& more);

}  // namespace mailorigin::php
