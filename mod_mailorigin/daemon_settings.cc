#include "mod_mailorigin/daemon_settings.h"

#include <cstring>

#include "core/default_paths.h"

namespace mailorigin::httpd {

DaemonSettings daemon_settings(const ServerSettings& config) {
  const auto or_default = [](const char* value, const char* fallback) {
    return std::string(value != nullptr ? value : fallback);
  };
  DaemonSettings settings;
  // MailOriginDaemon
  settings.external = config.daemon != nullptr && strcmp(config.daemon, external_daemon) == 0;
  settings.program = or_default(config.daemon, MAILORIGIND_PATH);
  // MailOriginUser
  settings.user = or_default(config.user, default_user);
  // MailOriginRuntimeDir
  settings.runtime_directory = or_default(config.runtime_directory, default_runtime_directory);
  // MailOriginStateDir
  settings.state_directory = or_default(config.state_directory, default_state_directory);
  // MailOriginFirewallUser
  settings.firewall_user = or_default(config.firewall_user, default_firewall_user);
  settings.has_firewall_state = !settings.external || config.state_directory != nullptr ||
                                settings.runtime_directory == default_runtime_directory;
  // MailOriginMilter
  if (config.milter != nullptr && config.milter->listen != nullptr) {
    settings.milter = config.milter->listen;
    settings.milter_mode = config.milter->mode;
  }
  // MailOriginMilterUser
  settings.milter_user = or_default(config.milter_user, default_milter_user);
  settings.mail_server_user = or_default(config.mail_server_user, default_mail_server_user);
  // MailOriginMilterOnFailure
  settings.milter_on_failure = or_default(config.milter_on_failure, "allow");
  // MailOriginMailLog
  settings.mail_log = or_default(config.mail_log, default_mail_log);
  // MailOriginEximSocket
  if (const EximSocket* const exim = config.exim_socket; exim != nullptr && exim->path != nullptr) {
    settings.exim_socket = {exim->path, exim->mode, exim->uid};
  }
  // MailOriginSocket, unless a unit owns the sockets
  if (config.sockets != nullptr && !settings.external) {
    settings.sockets = *config.sockets;
  } else {
    settings.sockets.push_back({question_socket(settings.runtime_directory)});
  }
  return settings;
}

}  // namespace mailorigin::httpd
