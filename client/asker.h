// Asker: the sending side of the question, for every program that sends mail.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

#include "core/fd.h"
#include "core/result.h"
#include "core/unix_socket.h"
#include "core/wire/asking.h"

namespace mailorigin::client {

// Keeps one connection, opened at the first question; it belongs to the process
// that opened it, and a forked child opens its own. Not for several threads.
class Asker {
 public:
  // An answer, or an error when there is no daemon: nothing listens, or nothing
  // was answered within `timeout`, reconnecting included. A daemon that is busy
  // or closed the connection in overload has answered (deny, busy).
  // Sets the question's nonce.
  Result<Answer> ask(const std::string& socket_path, Question question,
                     std::chrono::milliseconds timeout);

  // Makes this process known to the firewall by a context; see Registration. The
  // answer allows it or says why not; errors as above. Sets the nonce.
  Result<Answer> register_process(const std::string& socket_path, Registration registration,
                                  std::chrono::milliseconds timeout);

 private:
  Result<Answer> exchange(const std::string& socket_path, std::string_view packet,
                          const Nonce& nonce, std::chrono::milliseconds timeout);

  Fd connection_;
  Packet received_;  // kept for its buffer
  std::string connected_path_;
  pid_t owner_ = 0;
};

}  // namespace mailorigin::client
