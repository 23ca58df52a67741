// What the directives say: one ServerConfig for the server, one for each
// <VirtualHost>, merged field by field.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/policy.h"
#include "mod_mailorigin/arguments.h"
#include "mod_mailorigin/firewall_arguments.h"
#include "mod_mailorigin/httpd_api.h"
#include "mod_mailorigin/kept.h"
#include "mod_mailorigin/place.h"

namespace mailorigin::httpd {

struct Vhost;

// One MailOriginLog.
struct LogDirective {
  LogTarget target;
  std::string format;  // as written; empty: logfmt
  Place place;         // for messages
};

// One MailOriginRunAs.
struct RunAs {
  bool is_owner = false;             // whoever owns the document root
  std::optional<std::uint32_t> uid;  // else; nothing: there is no such user, any more or yet
  const char* user = "";             // as written
  Place place;
};

struct ServerConfig;

// One <MailOriginSite>.
struct SiteSection {
  std::string name;            // lower case
  const ServerConfig* config;  // what stands in it
  Place place;
};

// MailOriginStore. Pool memory; no driver: Off.
struct StoreChoice {
  const char* driver = "";
  const char* params = "";
};

// MailOriginMilter. Pool memory.
struct MilterPlace {
  const char* listen = nullptr;  // a path, or inet:port; null: Off
  mode_t mode = 0660;
};

// One MailOriginSocket; or MailOriginEximSocket, which is a user's.
struct SocketDirective {
  std::string path;
  mode_t mode = 0666;
  std::optional<std::uint32_t> owner{};  // nothing: root
};

// MailOriginEximSocket. Pool memory; no path: Off.
struct EximSocket {
  const char* path = nullptr;
  mode_t mode = 0600;
  std::optional<std::uint32_t> uid;  // Exim's, whose the socket is
};

// What a virtual host inherits from the server, member by member, unless it says its own.
// A null pointer or an empty optional is "not set". Pool memory of the configuration.
struct VhostSettings {
  std::optional<bool> enabled;                 // MailOrigin
  std::optional<bool> strict;                  // MailOriginStrict
  std::optional<RunAs> run_as;                 // MailOriginRunAs
  std::vector<LogDirective>* logs = nullptr;   // MailOriginLog; empty: `none`
  std::vector<HeaderRule>* headers = nullptr;  // MailOriginHeader; empty: `none` or Off

  std::optional<Rule> send;                           // MailOriginSend
  std::vector<ScriptRule>* denied_scripts = nullptr;  // MailOriginDenyScript; empty: `none`
  std::vector<LimitRule>* limits = nullptr;           // MailOriginLimit; empty: `none`
  std::optional<RecipientsRule> max_recipients;       // MailOriginMaxRecipients; 0: `none`
  SenderRule* sender = nullptr;                       // MailOriginSender; empty: `any`

  SmtpChoice* smtp = nullptr;                          // MailOriginSmtp
  std::vector<SmtpDestination>* smtp_allow = nullptr;  // MailOriginSmtpAllow; empty: `none`
  std::optional<Rule> smtp_local;                      // MailOriginSmtpLocal
};

// What the server alone may say: one for all of it. Likewise.
struct ServerSettings {
  std::vector<SocketDirective>* sockets = nullptr;     // MailOriginSocket
  const char* runtime_directory = nullptr;             // MailOriginRuntimeDir
  const char* state_directory = nullptr;               // MailOriginStateDir
  const char* user = nullptr;                          // MailOriginUser
  const char* daemon = nullptr;                        // MailOriginDaemon
  StoreChoice* store = nullptr;                        // MailOriginStore
  std::optional<std::uint32_t> retained_days;          // MailOriginRetain
  std::optional<Rule> unverified;                      // MailOriginUnverified
  std::optional<FirewallMode> firewall;                // MailOriginFirewall
  const char* firewall_user = nullptr;                 // MailOriginFirewallUser
  std::vector<std::uint16_t>* smtp_ports = nullptr;    // MailOriginSmtpPorts
  SmtpAccounts* smtp_accounts = nullptr;               // MailOriginSmtpUsers
  std::vector<SiteSection>* sites = nullptr;           // MailOriginSite
  MilterPlace* milter = nullptr;                       // MailOriginMilter
  const char* milter_user = nullptr;                   // MailOriginMilterUser
  const char* mail_server_user = nullptr;              // its second argument
  const char* milter_on_failure = nullptr;             // MailOriginMilterOnFailure
  const char* mail_log = nullptr;                      // MailOriginMailLog; empty: none
  std::optional<Rule> unrecorded;                      // MailOriginUnrecorded
  std::vector<std::uint32_t>* trusted_uids = nullptr;  // MailOriginTrustedSubmitters
  EximSocket* exim_socket = nullptr;                   // MailOriginEximSocket
};

// Ten thousand virtual hosts have one each: what only the server needs is not in it.
struct ServerConfig : VhostSettings {
  ServerSettings* server = nullptr;  // null but in the server's own
  // MailOriginLogFormat: of here alone, see choose_format().
  Nicknames* formats = nullptr;
  // The sections whose directives are in here, for people.
  std::vector<std::string>* sections = nullptr;
  // What requests need, filled in once the whole configuration has been read.
  const Vhost* vhost = nullptr;
};

// Of the configuration that is being read into `pool` (pconf).
Users& users_of(apr_pool_t* pool);

// In ServerConfig::sender: the names of the virtual host itself.
inline constexpr std::string_view own_domains = "vhost";

ServerConfig& config_of(const server_rec* server);
inline ServerSettings& server_settings_of(const server_rec* main_server) {
  return *config_of(main_server).server;
}

// MailOriginSmtp, MailOriginSmtpAllow and MailOriginSmtpLocal, with their defaults.
SmtpPolicy smtp_policy(const VhostSettings& settings);

// Gives a virtual host that has no directive of its own, and would share the
// server's object, one of its own.
ServerConfig& own_config_of(apr_pool_t* pool, server_rec* server, const server_rec* main_server);

// What `section` says, in the place of what `config` says.
void put_over(apr_pool_t* pool, ServerConfig& config, const ServerConfig& section);

}  // namespace mailorigin::httpd
