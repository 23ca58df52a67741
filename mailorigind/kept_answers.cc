#include "mailorigind/kept_answers.h"

#include <fcntl.h>

#include <chrono>
#include <future>
#include <utility>

#include "core/fd.h"
#include "core/unix_socket.h"

namespace mailorigin::daemon {

Status KeptAnswers::give(int socket, std::function<std::string()> keep) {
  Fd asker(fcntl(socket, F_DUPFD_CLOEXEC, 0));
  std::packaged_task<void()> answer([keep = std::move(keep), asker = std::move(asker)] {
    const std::string packet = keep();
    if (asker) (void)send_packet(asker.get(), packet, std::chrono::steady_clock::now());
  });
  if (const Status begun = keeping_.add(std::move(answer)); !begun) {
    return begun.error().context("it is in force, but not kept for the next start");
  }
  return Done{};
}

}  // namespace mailorigin::daemon
