#include "client/syslog.h"

#include <paths.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>

#include <cstring>
#include <string>

#include "core/fd.h"
#include "core/syslog_line.h"
#include "core/text.h"

namespace mailorigin::client {

namespace {

constexpr std::size_t line_limit = 8000;  // bytes; receivers take 8 KB

}  // namespace

// Not with syslog(3): its name for the process is one that PHP and the script
// share through openlog(), to be neither overwritten here nor believed.
void log_line(std::string_view program, std::string_view text) {
  const auto now = static_cast<std::uint64_t>(time(nullptr));
  const std::string line =
      syslog_head(LOG_MAIL | LOG_WARNING, now, program) + std::string(cut(text, line_limit));
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, _PATH_LOG);
  if (socket) {
    sendto(socket.get(), line.data(), line.size(), MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
}

}  // namespace mailorigin::client
