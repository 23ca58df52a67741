#include "mailorigind/kept_answers.h"

#include <fcntl.h>

#include <chrono>
#include <system_error>
#include <utility>

#include "core/fd.h"
#include "core/unix_socket.h"

namespace mailorigin::daemon {

Status KeptAnswers::give(int socket, std::function<std::string()> keep) {
  Fd asker(fcntl(socket, F_DUPFD_CLOEXEC, 0));
  auto answer = [keep = std::move(keep), asker = std::move(asker)] {
    const std::string packet = keep();
    if (asker) (void)send_packet(asker.get(), packet, std::chrono::steady_clock::now());
  };
  keeper_ = {};  // one after the other
  try {
    keeper_ = std::jthread(std::move(answer));
  } catch (const std::system_error&) {
    return Error{"it is in force, but there is no thread to keep it for the next start"};
  }
  return Done{};
}

}  // namespace mailorigin::daemon
