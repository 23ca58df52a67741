// What mod_proxy connects to for a request (see smtp_guard.h), and how often (see
// begin_attempt() in request.h).
#pragma once

namespace mailorigin::httpd {

// For pre_config, where all modules are loaded: mod_proxy may come later than this one,
// or not at all.
void guard_proxy();

}  // namespace mailorigin::httpd
