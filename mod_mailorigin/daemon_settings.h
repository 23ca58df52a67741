// The settings of the server alone, with their defaults.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/default_paths.h"
#include "core/socket_paths.h"
#include "mod_mailorigin/config.h"

namespace mailorigin::httpd {

// The argument of MailOriginDaemon that stands for a unit of its own.
inline constexpr char external_daemon[] = "external";

struct DaemonSettings {
  bool external = false;
  std::string program;
  std::string user;
  std::string runtime_directory;
  std::string state_directory;
  std::vector<SocketDirective> sockets;
  std::string firewall_user;
  std::string milter;  // where it listens: a path, or inet:port; empty: Off
  mode_t milter_mode = 0660;
  std::string milter_user;
  std::string mail_server_user;
  std::string milter_on_failure;
  std::string mail_log;                        // empty: none
  std::optional<SocketDirective> exim_socket;  // nothing: Off
  // What firewall_state_directory() names is this httpd's: a unit of another httpd's
  // may have the default one.
  bool has_firewall_state = true;

  [[nodiscard]] std::string control_path() const { return control_socket(runtime_directory); }
  [[nodiscard]] std::string firewall_path() const { return firewall_socket(runtime_directory); }
  // Beside the daemon's program, and beside its directory.
  [[nodiscard]] std::string firewall_program() const { return beside("mailorigin-firewall"); }
  [[nodiscard]] std::string milter_program() const { return beside("mailorigin-milter"); }
  [[nodiscard]] std::string firewall_state_directory() const {
    return mailorigin::firewall_state_directory(state_directory);
  }

 private:
  [[nodiscard]] std::string beside(const char* name) const {
    return program.substr(0, program.rfind('/') + 1) + name;
  }
};
DaemonSettings daemon_settings(const ServerSettings& config);

}  // namespace mailorigin::httpd
