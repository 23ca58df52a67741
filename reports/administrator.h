// Who is at the command line.
#pragma once

#include <string>

namespace mailorigin::reports {

// The account that logged in and became root: by the kernel's login uid, else by sudo's word,
// else root's own. Only root is asked: what it says of itself is believed.
std::string administrator();

}  // namespace mailorigin::reports
