#include "mod_mailorigin/exim_directives.h"

#include <strings.h>
#include <sys/un.h>

#include <string>

#include "mod_mailorigin/directive.h"

namespace mailorigin::httpd {

namespace {

// Of Debian; of Fedora, RHEL and FreeBSD's port; of cPanel.
constexpr const char* exim_users[] = {"Debian-exim", "exim", "mailnull"};

}  // namespace

// MailOriginEximSocket
const char* set_exim_socket(cmd_parms* cmd, const char* path, const char* mode) {
  auto* const socket = pool_new<EximSocket>(cmd->pool);
  server_target_of(cmd).exim_socket = socket;
  if (strcasecmp(path, "off") == 0) {
    return mode == nullptr ? nullptr : wrong(cmd, "'Off' takes no mode");
  }
  socket->path = path_of(cmd, path);
  if (socket->path == nullptr) return wrong(cmd, "'" + std::string(path) + "' is not a path");
  if (std::string(socket->path).size() >= sizeof(sockaddr_un::sun_path)) {
    return wrong(cmd, "'" + std::string(socket->path) +
                          "' is longer than a socket's path may be (" +
                          std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes)");
  }
  if (mode != nullptr) {
    const auto parsed = parse_socket_mode(mode);
    if (!parsed) return wrong(cmd, parsed.error().message);
    socket->mode = *parsed;
  }
  Users& users = users_of(cmd->pool);
  for (const char* name : exim_users) {
    if (!socket->uid) socket->uid = users.uid_of(name);
  }
  if (!socket->uid) {
    return wrong(cmd, "Exim's user is not there: Debian-exim, exim and mailnull are looked for");
  }
  return nullptr;
}

}  // namespace mailorigin::httpd
