// Descriptors that the starter hands over: sd_listen_fds(3)'s protocol.
#pragma once

#include <string>
#include <vector>

#include "core/fd.h"
#include "core/result.h"

namespace mailorigin::service {

struct HandedOver {
  std::string name;  // of LISTEN_FDNAMES; empty where that has none
  Fd fd;             // CLOEXEC, non-blocking
};

// Takes the descriptors that the environment names, 64 at most, and removes the
// three variables. None, if they are not meant for this process. Call once,
// before any thread exists.
Result<std::vector<HandedOver>> take_handed_over();

}  // namespace mailorigin::service
