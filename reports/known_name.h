// What people call a site or a virtual host, and what events call it.
#pragma once

#include <string>
#include <string_view>

#include "core/policy.h"

namespace mailorigin::reports {

// The virtual host's name for `ServerName:port`, the site's ServerName for that or a ServerAlias,
// in any case of letters. What nobody is called stays as it is: events may be of a host that is
// gone.
std::string known_name(const Policy& policy, std::string_view name);

}  // namespace mailorigin::reports
