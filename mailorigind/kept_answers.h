// KeptAnswers: answers to the command line that wait for the disk, beside the answering thread.
#pragma once

#include <functional>
#include <string>

#include "core/result.h"
#include "mailorigind/errands.h"

namespace mailorigin::daemon {

// One after the other. Its end waits for the last one.
class KeptAnswers {
 public:
  // Calls `keep` as an errand, and sends the packet that it returns to `socket`, which may be
  // closed meanwhile; -1: to nobody. Fails as Errands::add() does, and nothing is kept.
  Status give(int socket, std::function<std::string()> keep);

 private:
  Errands keeping_{"keeping"};
};

}  // namespace mailorigin::daemon
