#include "mailorigind/delivery/syslog_socket.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "core/text.h"
#include "mailorigind/limits.h"

namespace mailorigin::daemon {

namespace {

constexpr std::pair<std::string_view, int> facilities[] = {
    {"auth", LOG_AUTH},     {"authpriv", LOG_AUTHPRIV}, {"cron", LOG_CRON},
    {"daemon", LOG_DAEMON}, {"ftp", LOG_FTP},           {"kern", LOG_KERN},
    {"lpr", LOG_LPR},       {"mail", LOG_MAIL},         {"news", LOG_NEWS},
    {"syslog", LOG_SYSLOG}, {"user", LOG_USER},         {"uucp", LOG_UUCP},
    {"local0", LOG_LOCAL0}, {"local1", LOG_LOCAL1},     {"local2", LOG_LOCAL2},
    {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4},     {"local5", LOG_LOCAL5},
    {"local6", LOG_LOCAL6}, {"local7", LOG_LOCAL7},
};

}  // namespace

int syslog_facility(std::string_view name) {
  const auto* const found = std::find_if(std::begin(facilities), std::end(facilities),
                                         [&](const auto& entry) { return entry.first == name; });
  return found == std::end(facilities) ? LOG_MAIL : found->second;
}

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
  const auto seconds = static_cast<time_t>(milliseconds_since_epoch / 1000);
  tm local{};
  localtime_r(&seconds, &local);
  constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  char head[96];
  const int length = std::snprintf(
      head, sizeof head, "<%d>%s %2d %02d:%02d:%02d mailorigin[%d]: ", facility | LOG_NOTICE,
      months[local.tm_mon], local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec, getpid());
  std::string datagram(head, static_cast<std::size_t>(length));
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
