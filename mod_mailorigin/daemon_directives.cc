#include "mod_mailorigin/daemon_directives.h"

#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "mod_mailorigin/daemon_settings.h"
#include "mod_mailorigin/directive.h"

namespace mailorigin::httpd {

namespace {

const char* set_directory(cmd_parms* cmd, const char*& field, const char* argument) {
  const char* const path = path_of(cmd, argument);
  if (path == nullptr) return wrong(cmd, "'" + std::string(argument) + "' is not a directory");
  // Without a slash at its end: it is compared with the directories of sockets.
  std::size_t length = std::strlen(path);
  while (length > 1 && path[length - 1] == '/') length--;
  field = apr_pstrmemdup(cmd->pool, path, length);
  return nullptr;
}

// Root is refused, with the reason `why_not_root`.
const char* set_user_of_a_service(cmd_parms* cmd, const char*& field, const char* argument,
                                  const char* why_not_root) {
  const auto uid = parse_user(argument, users_of(cmd->pool));
  if (!uid) return wrong(cmd, uid.error().message);
  if (*uid == 0) return wrong(cmd, "'" + std::string(argument) + "' is root; " + why_not_root);
  field = apr_pstrdup(cmd->pool, argument);
  return nullptr;
}

}  // namespace

// MailOriginSocket
const char* add_socket(cmd_parms* cmd, const char* path, const char* mode) {
  const char* const absolute = path_of(cmd, path);
  if (absolute == nullptr) return wrong(cmd, "'" + std::string(path) + "' is not a path");
  SocketDirective socket{absolute};
  if (socket.path.size() >= sizeof(sockaddr_un::sun_path)) {
    return wrong(cmd, "'" + socket.path + "' is longer than a socket's path may be (" +
                          std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes)");
  }
  if (mode != nullptr) {
    const auto parsed = parse_socket_mode(mode);
    if (!parsed) return wrong(cmd, parsed.error().message);
    socket.mode = *parsed;
  }
  auto& sockets = ensure(cmd, server_target_of(cmd).sockets);
  if (std::any_of(sockets.begin(), sockets.end(),
                  [&](const SocketDirective& other) { return other.path == socket.path; })) {
    return wrong(cmd, "'" + socket.path + "' is named twice");
  }
  if (sockets.size() == question_sockets_limit) {
    return wrong(cmd, "'" + socket.path + "' is one too many: at most " +
                          std::to_string(question_sockets_limit) + " sockets");
  }
  sockets.push_back(std::move(socket));
  return nullptr;
}

// MailOriginRuntimeDir
const char* set_runtime_directory(cmd_parms* cmd, const char* argument) {
  ServerSettings& settings = server_target_of(cmd);
  if (const char* refused = set_directory(cmd, settings.runtime_directory, argument))
    return refused;
  if (question_socket(settings.runtime_directory).size() < sizeof(sockaddr_un::sun_path)) {
    return nullptr;
  }
  return wrong(cmd, "'" + std::string(argument) +
                        "' is too long: a socket's path in it would have more than " +
                        std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes");
}

// MailOriginStateDir
const char* set_state_directory(cmd_parms* cmd, const char* argument) {
  return set_directory(cmd, server_target_of(cmd).state_directory, argument);
}

// MailOriginUser
const char* set_user(cmd_parms* cmd, const char* argument) {
  return set_user_of_a_service(cmd, server_target_of(cmd).user, argument,
                               "the daemon that tenants talk to needs a user without rights");
}

// MailOriginFirewallUser
const char* set_firewall_user(cmd_parms* cmd, const char* argument) {
  return set_user_of_a_service(cmd, server_target_of(cmd).firewall_user, argument,
                               "the firewall's capabilities are to be all that it has");
}

// MailOriginDaemon
const char* set_daemon(cmd_parms* cmd, const char* argument) {
  if (strcasecmp(argument, external_daemon) == 0) {
    server_target_of(cmd).daemon = external_daemon;
    return nullptr;
  }
  server_target_of(cmd).daemon = path_of(cmd, argument);
  if (server_target_of(cmd).daemon == nullptr) {
    return wrong(cmd,
                 "'" + std::string(argument) + "' is neither 'external' nor mailorigind's path");
  }
  return nullptr;
}

}  // namespace mailorigin::httpd
