#include "mod_mailorigin/config.h"

#include <tuple>
#include <type_traits>

#include "mod_mailorigin/daemon_directives.h"
#include "mod_mailorigin/directive.h"
#include "mod_mailorigin/exim_directives.h"
#include "mod_mailorigin/firewall_directives.h"
#include "mod_mailorigin/general_directives.h"
#include "mod_mailorigin/log_directives.h"
#include "mod_mailorigin/module.h"
#include "mod_mailorigin/pool.h"
#include "mod_mailorigin/queue_directives.h"
#include "mod_mailorigin/rule_directives.h"
#include "mod_mailorigin/site_sections.h"
#include "mod_mailorigin/store_directives.h"

namespace mailorigin::httpd {

namespace {

template <class T>
T* create(apr_pool_t* pool) {
  // Nothing in it has a destructor: a pool's memory is all it needs.
  static_assert(std::is_trivially_destructible_v<T>);
  return new (apr_palloc(pool, sizeof(T))) T;
}

// All of them: a member that is not named here does not compile.
template <class Settings>
auto members(Settings& settings) {
  auto& [enabled, strict, run_as, logs, headers, send, denied_scripts, limits, max_recipients,
         sender, smtp, smtp_allow, smtp_local] = settings;
  return std::tie(enabled, strict, run_as, logs, headers, send, denied_scripts, limits,
                  max_recipients, sender, smtp, smtp_allow, smtp_local);
}

// Field by field: what `settings` does not say is what `base` says.
void inherit(VhostSettings& settings, const VhostSettings& base) {
  const auto inherit_one = [](auto& field, const auto& other) {
    if (!field) field = other;
  };
  std::apply(
      [&](auto&... field) {
        std::apply([&](const auto&... other) { (inherit_one(field, other), ...); }, members(base));
      },
      members(settings));
}

}  // namespace

Users& users_of(apr_pool_t* pool) {
  constexpr const char* name = "mailorigin-users";
  void* found = nullptr;
  apr_pool_userdata_get(&found, name, pool);
  if (found == nullptr) {
    found = pool_new<Users>(pool);
    apr_pool_userdata_set(found, name, nullptr, pool);
  }
  return *static_cast<Users*>(found);
}

ServerConfig& config_of(const server_rec* server) {
  return *static_cast<ServerConfig*>(
      ap_get_module_config(server->module_config, &mailorigin_module));
}

SmtpPolicy smtp_policy(const VhostSettings& settings) {
  SmtpPolicy policy;
  // MailOriginSmtp
  if (settings.smtp != nullptr) {
    policy.rule = settings.smtp->rule;
    policy.relay = settings.smtp->relay;
  }
  if (settings.smtp_allow != nullptr) policy.allow = *settings.smtp_allow;  // MailOriginSmtpAllow
  policy.local = settings.smtp_local.value_or(policy.local);                // MailOriginSmtpLocal
  return policy;
}

ServerConfig& own_config_of(apr_pool_t* pool, server_rec* server, const server_rec* main_server) {
  ServerConfig* config = &config_of(server);
  if (server != main_server && config == &config_of(main_server)) {
    config = create<ServerConfig>(pool);
    inherit(*config, config_of(main_server));
    ap_set_module_config(server->module_config, &mailorigin_module, config);
  }
  return *config;
}

void put_over(apr_pool_t* pool, ServerConfig& config, const ServerConfig& section) {
  VhostSettings settings = section;
  inherit(settings, config);
  static_cast<VhostSettings&>(config) = settings;
  if (section.formats == nullptr) return;
  auto* const formats = pool_new<Nicknames>(pool, *section.formats);
  if (config.formats != nullptr) formats->insert(config.formats->begin(), config.formats->end());
  config.formats = formats;
}

}  // namespace mailorigin::httpd

using namespace mailorigin::httpd;

extern "C" {

void* mailorigin_create_server_config(apr_pool_t* pool, server_rec* server) {
  auto* const config = create<ServerConfig>(pool);
  if (server->is_virtual == 0) config->server = create<ServerSettings>(pool);
  return config;
}

// Into the virtual host's own, which nobody needs as it was.
void* mailorigin_merge_server_config(apr_pool_t*, void* base, void* own) {
  inherit(*static_cast<ServerConfig*>(own), *static_cast<const ServerConfig*>(base));
  return own;
}

const command_rec mailorigin_directives[] = {
    AP_INIT_TAKE1("MailOrigin", setter<set_enabled>, nullptr, RSRC_CONF,
                  "On or Off: whether mail from here is recorded"),
    AP_INIT_TAKE12("MailOriginLog", setter<add_log>, nullptr, RSRC_CONF,
                   "a file, \"|command\", syslog[:facility] or none, and a format or nickname"),
    AP_INIT_TAKE2("MailOriginLogFormat", setter<add_log_format>, nullptr, RSRC_CONF,
                  "a \"format\" and its nickname"),
    AP_INIT_TAKE12("MailOriginHeader", setter<add_header>, nullptr, RSRC_CONF,
                   "On, Off, none, or a header's name and its \"format\""),
    AP_INIT_TAKE1("MailOriginRunAs", setter<set_run_as>, nullptr, RSRC_CONF,
                  "the user or #uid that PHP of this virtual host runs as, or owner: of its "
                  "DocumentRoot"),
    AP_INIT_TAKE1("MailOriginStrict", setter<set_strict>, nullptr, RSRC_CONF,
                  "On or Off: whether .htaccess is kept from PHP's settings and from the context"),
    AP_INIT_TAKE1("MailOriginSend", setter<set_send>, nullptr, RSRC_CONF,
                  "allow, observe, hold or deny: mail from this virtual host's scripts"),
    AP_INIT_TAKE_ARGV("MailOriginDenyScript", setter<add_denied_scripts>, nullptr, RSRC_CONF,
                      "[action=deny|hold|observe] regular expressions of scripts that may not "
                      "send, or none"),
    AP_INIT_TAKE_ARGV("MailOriginLimit", setter<add_limit>, nullptr, RSRC_CONF,
                      "N/second|minute|hour|day [burst=N] [per=vhost|script|uid] "
                      "[count=mails|recipients] [action=deny|hold|observe], or none"),
    AP_INIT_TAKE12("MailOriginMaxRecipients", setter<set_max_recipients>, nullptr, RSRC_CONF,
                   "the most recipients of one message [action=deny|hold|observe], or none"),
    AP_INIT_TAKE_ARGV("MailOriginSender", setter<add_sender_domains>, nullptr, RSRC_CONF,
                      "[action=deny|hold|observe] domains that From and the envelope sender must "
                      "belong to, vhost, or any"),
    AP_INIT_RAW_ARGS("<MailOriginSite", read_site_section, nullptr, RSRC_CONF,
                     "a ServerName or ServerAlias: directives for this site, over those of its "
                     "virtual hosts"),
    AP_INIT_TAKE1("MailOriginUnverified", server_setter<set_unverified>, nullptr, RSRC_CONF,
                  "allow, observe or deny: mail without a verified origin or a virtual host"),
    AP_INIT_TAKE12("MailOriginStore", server_setter<set_store>, nullptr, RSRC_CONF,
                   "Off, or apr_dbd's driver (sqlite3, pgsql) and its \"parameters\""),
    AP_INIT_TAKE1("MailOriginRetain", server_setter<set_retention>, nullptr, RSRC_CONF,
                  "for how long events are kept there: days, as 30d"),
    AP_INIT_TAKE12("MailOriginSocket", server_setter<add_socket>, nullptr, RSRC_CONF,
                   "the path of a socket for questions, and its octal mode"),
    AP_INIT_TAKE1("MailOriginRuntimeDir", server_setter<set_runtime_directory>, nullptr, RSRC_CONF,
                  "the directory of sockets and key"),
    AP_INIT_TAKE1("MailOriginStateDir", server_setter<set_state_directory>, nullptr, RSRC_CONF,
                  "the directory of the daemon's journal"),
    AP_INIT_TAKE1("MailOriginUser", server_setter<set_user>, nullptr, RSRC_CONF,
                  "the user or #uid that the daemon runs as"),
    AP_INIT_TAKE1("MailOriginDaemon", server_setter<set_daemon>, nullptr, RSRC_CONF,
                  "external, or the path of mailorigind"),
    AP_INIT_TAKE12("MailOriginMilter", server_setter<set_milter>, nullptr, RSRC_CONF,
                   "Off, or where Postfix finds the milter: a path and its octal mode, or "
                   "inet:port"),
    AP_INIT_TAKE12("MailOriginMilterUser", server_setter<set_milter_user>, nullptr, RSRC_CONF,
                   "the user or #uid that the milter runs as, and the mail server's own"),
    AP_INIT_TAKE1("MailOriginMilterOnFailure", server_setter<set_milter_on_failure>, nullptr,
                  RSRC_CONF, "allow or hold: what the milter does without the daemon"),
    AP_INIT_TAKE1("MailOriginMailLog", server_setter<set_mail_log>, nullptr, RSRC_CONF,
                  "Postfix's log, or none"),
    AP_INIT_TAKE1("MailOriginUnrecorded", server_setter<set_unrecorded>, nullptr, RSRC_CONF,
                  "allow, observe or hold: messages in the queue that nobody has asked about"),
    AP_INIT_ITERATE("MailOriginTrustedSubmitters", server_setter<add_trusted_submitter>, nullptr,
                    RSRC_CONF, "user or #uid whose messages need no ticket, or none"),
    AP_INIT_TAKE12("MailOriginEximSocket", server_setter<set_exim_socket>, nullptr, RSRC_CONF,
                   "Off, or the path of a socket for Exim's ACLs, and its octal mode"),
    AP_INIT_TAKE1("MailOriginFirewall", server_setter<set_firewall>, nullptr, RSRC_CONF,
                  "Off, observe or On: who may connect to SMTP ports"),
    AP_INIT_TAKE1("MailOriginFirewallUser", server_setter<set_firewall_user>, nullptr, RSRC_CONF,
                  "the user or #uid that the firewall's process runs as"),
    AP_INIT_ITERATE("MailOriginSmtpPorts", server_setter<add_smtp_port>, nullptr, RSRC_CONF,
                    "the ports that mail servers listen on"),
    AP_INIT_ITERATE("MailOriginSmtpUsers", server_setter<add_smtp_user>, nullptr, RSRC_CONF,
                    "user, #uid, @group or @#gid that may always connect to them, or none"),
    AP_INIT_TAKE12("MailOriginSmtp", setter<set_smtp>, nullptr, RSRC_CONF,
                   "deny, observe, allow or redirect host:port: connections of this virtual "
                   "host's scripts to SMTP ports"),
    AP_INIT_ITERATE("MailOriginSmtpAllow", setter<add_smtp_destination>, nullptr, RSRC_CONF,
                    "host or address[/prefix][:port] that may be connected to, or none"),
    AP_INIT_TAKE1("MailOriginSmtpLocal", setter<set_smtp_local>, nullptr, RSRC_CONF,
                  "allow, observe or deny: connections to SMTP ports of a loopback address"),
    {},
};

}  // extern "C"
