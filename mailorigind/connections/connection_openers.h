// ConnectionOpeners: who opened a connection, as the firewall in the kernel has noted it with the
// client's socket: docs/design/0035. Read without any capability.
//
// It is there for as long as the socket, whatever room events have, and whoever made that.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "core/fd.h"
#include "core/result.h"
#include "core/wire/queueing.h"

namespace mailorigin::daemon {

struct Opener {
  std::uint32_t uid = 0;
  std::uint64_t opened_ns = 0;  // mo_smtp_event.boottime_ns of the connection's event
};

class ConnectionOpeners {
 public:
  // Fails where it is not the firewall's program mo_tell_opener, or this process may not run it.
  static Result<ConnectionOpeners> of(Fd program);

  // Nothing where nothing is noted, the client has closed it, or the ends are another socket's
  // than `cookie` by now. Takes some microseconds, and waits for nobody.
  [[nodiscard]] std::optional<Opener> find(std::uint64_t cookie, const TcpEnd& client,
                                           const TcpEnd& server) const;

 private:
  explicit ConnectionOpeners(Fd program) : program_(std::move(program)) {}

  Fd program_;
};

}  // namespace mailorigin::daemon
