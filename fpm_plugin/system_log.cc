#include "fpm_plugin/system_log.h"

#include <paths.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <cstring>

#include "core/fd.h"
#include "core/syslog_line.h"
#include "core/text.h"

namespace mailorigin::php {

namespace {

constexpr std::size_t line_limit = 8000;   // bytes; receivers take 8 KB
constexpr std::size_t value_limit = 1024;  // bytes

// What the mail itself says stands last, since the line's limit cuts there.
constexpr Field told_fields[] = {
    Field::caller, Field::entry, Field::pool,       Field::recipients, Field::stack,
    Field::from,   Field::to,    Field::message_id, Field::subject,
};

// Nothing for an empty value.
void append_quoted(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  std::string line;
  append_one_line(line, cut(value, value_limit));
  out += ' ';
  out += name;
  out += "=\"";
  for (const char character : cut(line, value_limit)) {
    if (character == '"') out += '\\';
    out += character;
  }
  out += '"';
}

}  // namespace

void log_unrecorded(const Event& claims, const std::string& cause) {
  std::string line = "MO0301: mail left unrecorded:";
  line += " uid=" + std::to_string(getuid());
  append_quoted(line, "function", claims.get(Field::function));
  append_quoted(line, "file", claims.get(Field::file) + ':' + claims.get(Field::line));
  append_quoted(line, "cause", cause);
  for (const Field field : told_fields) append_quoted(line, info(field).name, claims.get(field));
  log_line(line);
}

// Not with syslog(3): its name for the process is one that PHP and the script
// share through openlog(), to be neither overwritten here nor believed.
void log_line(std::string_view text) {
  const std::string line =
      syslog_head(LOG_MAIL | LOG_WARNING, static_cast<std::uint64_t>(time(nullptr)),
                  "mailorigin-php") +
      std::string(cut(text, line_limit));
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, _PATH_LOG);
  if (socket) {
    sendto(socket.get(), line.data(), line.size(), MSG_NOSIGNAL,
           reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
}

}  // namespace mailorigin::php
