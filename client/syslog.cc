#include "client/syslog.h"

#include <paths.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>

#include "core/fd.h"
#include "core/syslog_line.h"
#include "core/text.h"
#include "core/unix_socket.h"

namespace mailorigin::client {

namespace {

constexpr std::size_t line_limit = 8000;  // bytes; receivers take 8 KB
constexpr std::chrono::milliseconds patience{250};

}  // namespace

// Not with syslog(3): its name for the process is one that PHP and the script
// share through openlog(), to be neither overwritten here nor believed.
bool log_line(std::string_view program, std::string_view text) {
  const auto now = static_cast<std::uint64_t>(time(nullptr));
  const std::string line =
      syslog_head(LOG_MAIL | LOG_WARNING, now, program) + std::string(cut(text, line_limit));
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, _PATH_LOG);
  if (!socket ||
      connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return false;
  }
  return static_cast<bool>(
      send_packet(socket.get(), line, std::chrono::steady_clock::now() + patience));
}

}  // namespace mailorigin::client
