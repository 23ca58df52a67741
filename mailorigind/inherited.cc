#include "mailorigind/inherited.h"

#include <sys/socket.h>

#include <string>
#include <utility>

#include "core/unix_socket.h"
#include "service/handed_over.h"

namespace mailorigin::daemon {

namespace {

int option(int socket, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(socket, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

bool is_listening(int socket, int type) {
  return option(socket, SO_DOMAIN) == AF_UNIX && option(socket, SO_TYPE) == type &&
         option(socket, SO_ACCEPTCONN) == 1;
}

Status check_listening(int socket, const std::string& name) {
  if (!is_listening(socket, SOCK_SEQPACKET)) {
    return Error{"the descriptor named " + name + " is no listening SOCK_SEQPACKET unix socket"};
  }
  // Connections inherit it, so that their first packet has credentials too.
  return enable_credentials(socket);
}

Status take(Fd fd, const std::string& name, Inherited& inherited) {
  if (name == "lifeline") {
    inherited.lifeline = std::move(fd);
    return Done{};
  }
  if (name == "exim") {
    if (!is_listening(fd.get(), SOCK_STREAM)) {
      return Error{"the descriptor named exim is no listening SOCK_STREAM unix socket"};
    }
    inherited.exim = std::move(fd);
    return Done{};
  }
  if (name != "question" && name != "control") {
    return Error{"LISTEN_FDNAMES: '" + name + "' is none of question, control, exim, lifeline"};
  }
  if (const Status checked = check_listening(fd.get(), name); !checked) return checked;
  if (name == "question") {
    (void)refuse_descriptors(fd.get());  // not with every kernel
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
  auto all = service::take_handed_over();
  if (!all) return all.error();
  if (all->empty()) {
    return Error{
        "no sockets were handed over (LISTEN_PID, LISTEN_FDS): "
        "httpd or a systemd socket unit starts mailorigind"};
  }
  Inherited inherited;
  for (service::HandedOver& one : *all) {
    if (const Status taken = take(std::move(one.fd), one.name, inherited); !taken) {
      return taken.error();
    }
  }
  if (inherited.questions.empty() || !inherited.control) {
    return Error{"LISTEN_FDNAMES must name at least one question and one control socket"};
  }
  return inherited;
}

}  // namespace mailorigin::daemon
