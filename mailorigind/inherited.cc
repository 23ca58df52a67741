#include "mailorigind/inherited.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/name_values.h"
#include "core/unix_socket.h"

namespace mailorigin {

namespace {

constexpr int first_descriptor = 3;
constexpr std::uint64_t descriptors_limit = 64;

std::string_view environment(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? std::string_view() : value;
}

int option(int socket, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(socket, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

Status check_listening(int socket, const std::string& name) {
  if (option(socket, SO_DOMAIN) != AF_UNIX || option(socket, SO_TYPE) != SOCK_SEQPACKET ||
      option(socket, SO_ACCEPTCONN) != 1) {
    return Error{"the descriptor named " + name + " is no listening SOCK_SEQPACKET unix socket"};
  }
  // Connections inherit it, so that their first packet has credentials too.
  return enable_credentials(socket);
}

Status take(Fd fd, const std::string& name, Inherited& inherited) {
  const int flags = fcntl(fd.get(), F_GETFL);
  if (flags < 0 || fcntl(fd.get(), F_SETFD, FD_CLOEXEC) != 0 ||
      fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return system_error("the descriptor named " + name, errno);
  }
  if (name == "lifeline") {
    inherited.lifeline = std::move(fd);
    return Done{};
  }
  if (name != "question" && name != "control") {
    return Error{"LISTEN_FDNAMES: '" + name + "' is none of question, control, lifeline"};
  }
  if (const Status checked = check_listening(fd.get(), name); !checked) return checked;
  if (name == "question") {
    inherited.questions.push_back(std::move(fd));
  } else if (inherited.control) {
    return Error{"LISTEN_FDNAMES: control is there twice"};
  } else {
    inherited.control = std::move(fd);
  }
  return Done{};
}

}  // namespace

Result<Inherited> take_inherited() {
  const std::string pid(environment("LISTEN_PID"));
  const std::string count_text(environment("LISTEN_FDS"));
  const std::string names_text(environment("LISTEN_FDNAMES"));
  unsetenv("LISTEN_PID");
  unsetenv("LISTEN_FDS");
  unsetenv("LISTEN_FDNAMES");

  const auto count = parse_number(count_text, descriptors_limit);
  if (pid != std::to_string(getpid()) || !count) {
    return Error{
        "no sockets were handed over (LISTEN_PID, LISTEN_FDS): "
        "httpd or a systemd socket unit starts mailorigind"};
  }
  Inherited inherited;
  std::string_view names = names_text;
  for (int i = 0; i < static_cast<int>(*count); i++) {
    const std::size_t length = std::min(names.find(':'), names.size());
    const std::string name(names.substr(0, length));
    names.remove_prefix(std::min(length + 1, names.size()));
    if (const Status taken = take(Fd(first_descriptor + i), name, inherited); !taken) {
      return taken.error();
    }
  }
  if (inherited.questions.empty() || !inherited.control) {
    return Error{"LISTEN_FDNAMES must name at least one question and one control socket"};
  }
  return inherited;
}

}  // namespace mailorigin
