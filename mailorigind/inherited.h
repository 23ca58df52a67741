// What the starter hands over: sd_listen_fds(3)'s protocol.
#pragma once

#include <vector>

#include "core/fd.h"
#include "core/result.h"

namespace mailorigin::daemon {

struct Inherited {
  std::vector<Fd> questions;  // listening, at least one
  Fd control;                 // listening
  Fd exim;                    // listening, for MailOriginEximSocket; may be missing
  Fd lifeline;                // read end of httpd's pipe; only when httpd started us
};

// Takes the descriptors that the environment names, CLOEXEC and non-blocking,
// and removes the three variables. Call once, before any thread exists.
Result<Inherited> take_inherited();

}  // namespace mailorigin::daemon
