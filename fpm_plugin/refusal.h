// What is said of a mail that does not leave.
#pragma once

#include "client/outcome.h"

namespace mailorigin::php {

// A warning to the script, and MO0305 to the server's log of the request's virtual
// host, unless PHP has put the warning there: applications suppress or swallow it.
// May leave by longjmp, as any warning may. `outcome` is the module's own.
void report_refusal(const char* function, const client::Outcome& outcome);

// Wraps what hands PHP's messages to the server. At the first request and not before:
// servers set their own pointers after MINIT.
void watch_server_log();
void stop_watching_server_log();

}  // namespace mailorigin::php
