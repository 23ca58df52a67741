#include "mod_mailorigin/queue_directives.h"

#include <strings.h>
#include <sys/un.h>

#include <string>
#include <string_view>

#include "mod_mailorigin/daemon_settings.h"
#include "mod_mailorigin/directive.h"
#include "mod_mailorigin/rule_arguments.h"

namespace mailorigin::httpd {

// MailOriginMilter
const char* set_milter(cmd_parms* cmd, const char* place, const char* mode) {
  auto* const milter = pool_new<MilterPlace>(cmd->pool);
  server_target_of(cmd).milter = milter;
  constexpr std::string_view inet = "inet:";
  const bool is_off = strcasecmp(place, "off") == 0;
  const bool is_port = std::string_view(place).starts_with(inet);
  if (is_off || is_port) {
    if (mode != nullptr) return wrong(cmd, "'" + std::string(place) + "' takes no mode");
    if (is_off) return nullptr;
    const auto port = parse_port(place + inet.size());
    if (!port) return wrong(cmd, port.error().message);
    milter->listen = apr_pstrdup(cmd->pool, place);
    return nullptr;
  }
  milter->listen = path_of(cmd, place);
  if (milter->listen == nullptr) {
    return wrong(cmd, "'" + std::string(place) + "' is not Off, a path, or inet:port");
  }
  if (std::string_view(milter->listen).size() >= sizeof(sockaddr_un::sun_path)) {
    return wrong(cmd, "'" + std::string(milter->listen) +
                          "' is longer than a socket's path may be (" +
                          std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes)");
  }
  if (mode == nullptr) return nullptr;
  const auto parsed = parse_socket_mode(mode);
  if (!parsed) return wrong(cmd, parsed.error().message);
  milter->mode = *parsed;
  return nullptr;
}

// MailOriginMilterUser
const char* set_milter_user(cmd_parms* cmd, const char* user, const char* mail_server) {
  ServerSettings& settings = server_target_of(cmd);
  for (const char* each : {user, mail_server}) {
    if (each == nullptr) continue;
    const auto uid = parse_user(each, users_of(cmd->pool));
    if (!uid) return wrong(cmd, uid.error().message);
    if (*uid == 0) return wrong(cmd, "'" + std::string(each) + "' is root, and must not be");
  }
  settings.milter_user = apr_pstrdup(cmd->pool, user);
  if (mail_server != nullptr) settings.mail_server_user = apr_pstrdup(cmd->pool, mail_server);
  return nullptr;
}

// MailOriginMilterOnFailure
const char* set_milter_on_failure(cmd_parms* cmd, const char* argument) {
  for (const char* word : {"allow", "hold"}) {
    if (strcasecmp(argument, word) == 0) {
      server_target_of(cmd).milter_on_failure = word;
      return nullptr;
    }
  }
  return wrong(cmd, "'" + std::string(argument) + "' is neither allow nor hold");
}

// MailOriginMailLog
const char* set_mail_log(cmd_parms* cmd, const char* argument) {
  if (strcasecmp(argument, "none") == 0) {
    server_target_of(cmd).mail_log = "";
    return nullptr;
  }
  server_target_of(cmd).mail_log = path_of(cmd, argument);
  if (server_target_of(cmd).mail_log != nullptr) return nullptr;
  return wrong(cmd, "'" + std::string(argument) + "' is neither none nor a file");
}

// MailOriginUnrecorded
const char* set_unrecorded(cmd_parms* cmd, const char* argument) {
  const auto rule = parse_mail_rule(argument);
  if (!rule || *rule == Rule::deny) {
    return wrong(cmd, "'" + std::string(argument) + "' is not one of allow, observe, hold");
  }
  server_target_of(cmd).unrecorded = *rule;
  return nullptr;
}

// MailOriginTrustedSubmitters
const char* add_trusted_submitter(cmd_parms* cmd, const char* argument) {
  auto& uids = ensure(cmd, server_target_of(cmd).trusted_uids);
  if (strcasecmp(argument, "none") == 0) {
    uids.clear();
    return nullptr;
  }
  const auto uid = parse_user(argument, users_of(cmd->pool));
  if (!uid) return wrong(cmd, uid.error().message);
  uids.push_back(*uid);
  return nullptr;
}

}  // namespace mailorigin::httpd
