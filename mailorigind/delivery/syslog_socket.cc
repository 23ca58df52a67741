#include "mailorigind/delivery/syslog_socket.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/syslog_line.h"
#include "core/text.h"
#include "mailorigind/limits.h"

namespace mailorigin::daemon {

int SyslogSocket::connect() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) return ENAMETOOLONG;
  std::copy(path_.begin(), path_.end(), address.sun_path);
  Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return errno;
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return errno;
  }
  socket_ = std::move(socket);
  return 0;
}

int SyslogSocket::send(int facility, std::uint64_t milliseconds_since_epoch,
                       std::string_view line) {
  std::string datagram =
      syslog_head(facility | LOG_NOTICE, milliseconds_since_epoch / 1000, "mailorigin");
  datagram += cut(line, syslog_line_limit - datagram.size());

  int fault = 0;
  for (int attempt = 0; attempt < 2; attempt++) {
    if (!socket_) {
      fault = connect();
      if (fault != 0) return fault;
    }
    if (::send(socket_.get(), datagram.data(), datagram.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) {
      return 0;
    }
    fault = errno;
    if (fault == EAGAIN || fault == ENOBUFS) return fault;
    socket_.reset();  // syslogd was restarted: once more on a new socket
  }
  return fault;
}

}  // namespace mailorigin::daemon
