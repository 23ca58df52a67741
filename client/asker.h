// Asker: the sending side of the question, for every program that sends mail.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/fd.h"
#include "core/result.h"
#include "core/unix_socket.h"
#include "core/wire/asking.h"

namespace mailorigin::client {

// Why there is no answer.
enum class Silence : std::uint8_t {
  absent,       // nothing listens: there is no daemon
  late,         // one listens, and has not answered in time
  exhausted,    // this process has no descriptor or memory left to ask
  unreachable,  // the way to the socket is closed to this process
  unwritable,   // it has answered, and could not write its journal
};

struct NoAnswer {
  Silence why = Silence::absent;
  std::string cause;  // for a log
};

struct Reply {
  std::optional<Answer> answer;
  NoAnswer none;  // without an answer
};

struct Patience {
  // For a daemon that went away and may come back, as in a restart. One that is not
  // there to begin with is not waited for.
  std::chrono::milliseconds absent{0};
  // For one that is there.
  std::chrono::milliseconds late{0};
};

// Keeps one connection, which belongs to the process that opened it: a forked child
// opens its own. Not for several threads. Each may throw std::bad_alloc, and then
// there is no answer.
class Asker {
 public:
  // Opens the connection ahead of the first question, if that can be done at once.
  void connect_ahead(const std::string& socket_path);

  // A daemon that is busy or closed the connection in overload has answered (deny,
  // busy). Sets the question's nonce.
  Reply ask(const std::string& socket_path, Question question, Patience patience);

  // Makes this process known to the firewall by a context; see Registration. The
  // answer allows it or says why not. Sets the nonce.
  Reply register_process(const std::string& socket_path, Registration registration,
                         Patience patience);

  // Asks what is answered by an answer of the same nonce.
  Reply exchange(const std::string& socket_path, std::string_view packet, const Nonce& nonce,
                 Patience patience);

  // Says what is not answered, and does not wait. False: it could not be said now.
  bool tell(const std::string& socket_path, std::string_view packet);
  // Whether the connection that was used last is this process's and still there.
  [[nodiscard]] bool is_connected() const;
  // How many have been opened: what was said over an earlier one is unknown at the other end.
  [[nodiscard]] std::uint64_t connections() const { return connections_; }

 private:
  // Nothing once there is a connection.
  std::optional<NoAnswer> connect(const std::string& socket_path, Deadline deadline);
  // Asks over the connection that is there. False if that was lost, or broken by what
  // came over it: then `reply` says how, and the question may be asked again.
  bool converse(std::string_view packet, const Nonce& nonce, std::chrono::milliseconds patience,
                Reply& reply);

  Fd connection_;
  Packet received_;  // kept for its buffer
  std::string connected_path_;
  pid_t owner_ = 0;
  std::uint64_t connections_ = 0;
};

}  // namespace mailorigin::client
