// What the directives say: one ServerConfig for the server, one for each
// <VirtualHost>, merged field by field.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/policy.h"
#include "core/socket_paths.h"
#include "mod_mailorigin/arguments.h"
#include "mod_mailorigin/firewall_arguments.h"
#include "mod_mailorigin/httpd_api.h"
#include "mod_mailorigin/kept.h"
#include "mod_mailorigin/place.h"

namespace mailorigin {

struct Vhost;

// One MailOriginLog.
struct LogDirective {
  LogTarget target;
  std::string format;  // as written; empty: logfmt
  Place place;         // for messages
};

// One MailOriginSocket.
struct SocketDirective {
  std::string path;
  mode_t mode = 0666;
};

// Pool memory of the configuration; a null pointer or an empty optional is "not set".
struct ServerConfig {
  std::optional<bool> enabled;                 // MailOrigin
  std::optional<bool> strict;                  // MailOriginStrict
  std::optional<std::uint32_t> run_as;         // MailOriginRunAs
  std::vector<LogDirective>* logs = nullptr;   // MailOriginLog; empty: `none`
  std::vector<HeaderRule>* headers = nullptr;  // MailOriginHeader; empty: `none` or Off
  Nicknames* formats = nullptr;  // MailOriginLogFormat; not merged, see choose_format()

  std::optional<Rule> send;                            // MailOriginSend
  std::vector<std::string>* denied_scripts = nullptr;  // MailOriginDenyScript; empty: `none`
  std::vector<LimitRule>* limits = nullptr;            // MailOriginLimit; empty: `none`
  std::optional<std::uint64_t> max_recipients;         // MailOriginMaxRecipients; 0: `none`
  std::vector<std::string>* sender_domains = nullptr;  // MailOriginSender; empty: `any`

  SmtpChoice* smtp = nullptr;                          // MailOriginSmtp
  std::vector<SmtpDestination>* smtp_allow = nullptr;  // MailOriginSmtpAllow; empty: `none`
  std::optional<Rule> smtp_local;                      // MailOriginSmtpLocal

  // Of the server alone.
  std::vector<SocketDirective>* sockets = nullptr;   // MailOriginSocket
  const char* runtime_directory = nullptr;           // MailOriginRuntimeDir
  const char* state_directory = nullptr;             // MailOriginStateDir
  const char* user = nullptr;                        // MailOriginUser
  const char* daemon = nullptr;                      // MailOriginDaemon
  std::optional<Rule> unverified;                    // MailOriginUnverified
  std::optional<FirewallMode> firewall;              // MailOriginFirewall
  const char* firewall_user = nullptr;               // MailOriginFirewallUser
  std::vector<std::uint16_t>* smtp_ports = nullptr;  // MailOriginSmtpPorts
  SmtpAccounts* smtp_accounts = nullptr;             // MailOriginSmtpUsers

  // What requests need, filled in once the whole configuration has been read.
  const Vhost* vhost = nullptr;
};

// Of the configuration that is being read into `pool` (pconf).
Users& users_of(apr_pool_t* pool);

// In ServerConfig::sender_domains: the names of the virtual host itself.
inline constexpr std::string_view own_domains = "vhost";

ServerConfig& config_of(const server_rec* server);

// Gives a virtual host that has no directive of its own, and would share the
// server's object, one of its own.
ServerConfig& own_config_of(apr_pool_t* pool, server_rec* server, const server_rec* main_server);

// The settings of the server alone, with their defaults.
struct DaemonSettings {
  bool external = false;
  std::string program;
  std::string user;
  std::string runtime_directory;
  std::string state_directory;
  std::vector<SocketDirective> sockets;
  std::string firewall_user;
  // What firewall_state_directory() names is this httpd's: a unit of another httpd's
  // may have the default one.
  bool has_firewall_state = true;

  [[nodiscard]] std::string control_path() const { return control_socket(runtime_directory); }
  [[nodiscard]] std::string firewall_path() const { return firewall_socket(runtime_directory); }
  // Beside the daemon's program, and beside its directory.
  [[nodiscard]] std::string firewall_program() const {
    return program.substr(0, program.rfind('/') + 1) + "mailorigin-firewall";
  }
  [[nodiscard]] std::string firewall_state_directory() const {
    return state_directory + "-firewall";
  }
};
DaemonSettings daemon_settings(const ServerConfig& config);

}  // namespace mailorigin
