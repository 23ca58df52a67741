// Whose a script is, as more than the sender says.
#pragma once

#include <string>

#include "core/event.h"

namespace mailorigin::reports {

// Any process can say of its mail that any file made it, a neighbour's or a library of all sites;
// what speaks for it is httpd's seal, and the kernel.

// Whether the file is the event's own: it lies in the DocumentRoot that httpd has sealed, also in
// the place where that leads, or it is a file of the user by whom the mail was sent. Looks at the
// file, and takes what it cannot look at for another's. `path`: absolute, else it is nobody's.
bool is_own_script(const Event& event, const std::string& path);

// Whether it is beyond doubt that this script sent: it is what httpd has sealed that it was asked
// for, wherever that lies, or the event's own. Whether the event names it at all is not asked here.
bool is_backed(const Event& event, const std::string& path);

}  // namespace mailorigin::reports
