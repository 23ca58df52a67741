// The signals of a service: SIGTERM and SIGINT end it, through its loop.
#pragma once

#include "core/fd.h"

namespace mailorigin::service {

// Before any thread exists. Those that a terminal or httpd's process group may
// send do not concern a service; those that end it are blocked, for the loop.
void set_signals();

// Readable when the service is to end; empty, with errno, if the kernel refuses.
Fd ending_signals();

}  // namespace mailorigin::service
