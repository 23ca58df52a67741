// KeptAnswers: answers to the command line that wait for the disk, beside the answering thread.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "core/result.h"

namespace mailorigin::daemon {

// One after the other. Its end waits for the last one.
class KeptAnswers {
 public:
  // Calls `keep` on a thread, which a disk may keep for longer than a question may wait, and
  // sends the packet that it returns to `socket`, which may be closed meanwhile; -1: to nobody.
  // Fails where there is no thread, and nothing is kept.
  Status give(int socket, std::function<std::string()> keep);

 private:
  std::jthread keeper_;
};

}  // namespace mailorigin::daemon
