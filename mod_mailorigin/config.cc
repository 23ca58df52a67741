#include "mod_mailorigin/config.h"

#include <sys/un.h>

#include <algorithm>
#include <cstring>

#include "core/format.h"
#include "core/pattern.h"
#include "core/text.h"
#include "mod_mailorigin/directive.h"
#include "mod_mailorigin/firewall_directives.h"
#include "mod_mailorigin/module.h"
#include "mod_mailorigin/report.h"
#include "mod_mailorigin/rule_arguments.h"

namespace mailorigin {

namespace {

constexpr const char* external_daemon = "external";
constexpr const char* default_user = "mailorigin";
constexpr const char* default_state_directory = "/var/lib/mailorigin";
constexpr const char* default_firewall_user = "mailorigin-firewall";
constexpr const char* default_header_name = "X-Mail-Origin";
constexpr const char* default_header_format = "%{id}";

ServerConfig* create(apr_pool_t* pool) {
  // Nothing in it has a destructor: a pool's memory is all it needs.
  static_assert(std::is_trivially_destructible_v<ServerConfig>);
  return new (apr_palloc(pool, sizeof(ServerConfig))) ServerConfig;
}

ServerConfig* merge(apr_pool_t* pool, const ServerConfig& base, const ServerConfig& add) {
  ServerConfig* merged = create(pool);
  merged->enabled = add.enabled ? add.enabled : base.enabled;
  merged->strict = add.strict ? add.strict : base.strict;
  merged->run_as = add.run_as ? add.run_as : base.run_as;
  merged->logs = add.logs != nullptr ? add.logs : base.logs;
  merged->headers = add.headers != nullptr ? add.headers : base.headers;
  merged->formats = add.formats;
  merged->send = add.send ? add.send : base.send;
  merged->denied_scripts = add.denied_scripts != nullptr ? add.denied_scripts : base.denied_scripts;
  merged->limits = add.limits != nullptr ? add.limits : base.limits;
  merged->max_recipients = add.max_recipients ? add.max_recipients : base.max_recipients;
  merged->sender_domains = add.sender_domains != nullptr ? add.sender_domains : base.sender_domains;
  merged->smtp = add.smtp != nullptr ? add.smtp : base.smtp;
  merged->smtp_allow = add.smtp_allow != nullptr ? add.smtp_allow : base.smtp_allow;
  merged->smtp_local = add.smtp_local ? add.smtp_local : base.smtp_local;
  return merged;
}

// ---- setting

Place place_of(const cmd_parms* cmd) {
  return {cmd->directive->filename, static_cast<unsigned>(cmd->directive->line_num)};
}

// A path below ServerRoot; null if it is not one.
const char* path_of(const cmd_parms* cmd, const char* argument) {
  return *argument == '\0' ? nullptr : ap_server_root_relative(cmd->pool, argument);
}

const char* set_switch(cmd_parms* cmd, std::optional<bool>& field, const char* argument) {
  const auto value = parse_switch(argument);
  if (!value) return wrong(cmd, value.error().message);
  field = *value;
  return nullptr;
}

const char* set_enabled(cmd_parms* cmd, void*, const char* argument) noexcept {
  return set_switch(cmd, target_of(cmd).enabled, argument);
}

const char* set_strict(cmd_parms* cmd, void*, const char* argument) noexcept {
  return set_switch(cmd, target_of(cmd).strict, argument);
}

const char* set_run_as(cmd_parms* cmd, void*, const char* argument) noexcept {
  const auto uid = parse_user(argument, users_of(cmd->pool));
  if (!uid) return wrong(cmd, uid.error().message);
  target_of(cmd).run_as = *uid;
  return nullptr;
}

const char* add_log(cmd_parms* cmd, void*, const char* target, const char* format) noexcept {
  auto& logs = ensure(cmd, target_of(cmd).logs);
  if (strcasecmp(target, "none") == 0) {
    if (format != nullptr) return wrong(cmd, "'none' takes no format");
    logs.clear();
    return nullptr;
  }
  LogDirective log;
  log.place = place_of(cmd);
  if (format != nullptr) log.format = format;
  if (is_syslog_target(target)) {
    auto facility = parse_syslog_target(target);
    if (!facility) return wrong(cmd, facility.error().message);
    log.target = {LogTarget::Kind::syslog, *std::move(facility)};
  } else if (target[0] == '|') {
    if (target[std::strspn(target, "|$ \t")] == '\0') {
      return wrong(cmd, "a command must follow the '|' of '" + std::string(target) + "'");
    }
    log.target = {LogTarget::Kind::pipe, target};
  } else {
    const char* const path = path_of(cmd, target);
    if (path == nullptr) {
      return wrong(cmd, "'" + std::string(target) +
                            "' is not a target: a file, \"|command\", syslog[:facility] or none");
    }
    log.target = {LogTarget::Kind::file, path};
  }
  // A format's text can be judged at once; a nickname may be defined further down.
  if (log.format.find('%') != std::string::npos) {
    if (const auto parsed = Format::parse(log.format); !parsed) {
      return wrong(cmd, parsed.error().message);
    }
  }
  logs.push_back(std::move(log));
  return nullptr;
}

const char* add_log_format(cmd_parms* cmd, void*, const char* format,
                           const char* nickname) noexcept {
  if (const Status checked = check_nickname(nickname); !checked) {
    return wrong(cmd, checked.error().message);
  }
  if (const auto parsed = Format::parse(format); !parsed) {
    return wrong(cmd, parsed.error().message);
  }
  ensure(cmd, target_of(cmd).formats)[nickname] = format;
  return nullptr;
}

const char* add_header_rule(const cmd_parms* cmd, const char* name, const char* format) {
  auto& headers = ensure(cmd, target_of(cmd).headers);
  if (std::any_of(headers.begin(), headers.end(), [&](const HeaderRule& other) {
        return strcasecmp(other.name.c_str(), name) == 0;
      })) {
    return wrong(cmd,
                 "'" + std::string(name) + "' is given twice; each line needs a name of its own");
  }
  headers.push_back({name, format});
  return nullptr;
}

const char* add_header(cmd_parms* cmd, void*, const char* name, const char* format) noexcept {
  if (format == nullptr) {
    if (strcasecmp(name, "on") == 0) {
      return add_header_rule(cmd, default_header_name, default_header_format);
    }
    if (strcasecmp(name, "off") == 0 || strcasecmp(name, "none") == 0) {
      ensure(cmd, target_of(cmd).headers).clear();
      return nullptr;
    }
    return wrong(cmd, "'" + std::string(name) +
                          "' is neither On, Off nor none, nor a header's "
                          "name followed by its \"format\"");
  }
  for (const char* word : {"on", "off", "none"}) {
    if (strcasecmp(name, word) == 0) {
      return wrong(cmd, "'" + std::string(name) +
                            "' takes no format; a header's name stands before one, such as "
                            "X-Mail-Origin");
    }
  }
  if (const Status checked = check_header_name(name); !checked) {
    return wrong(cmd, checked.error().message);
  }
  if (const auto parsed = Format::parse(format); !parsed) {
    return wrong(cmd, parsed.error().message);
  }
  return add_header_rule(cmd, name, format);
}

const char* set_rule(cmd_parms* cmd, std::optional<Rule>& field, const char* argument) {
  const auto rule = parse_rule(argument);
  if (!rule) return wrong(cmd, rule.error().message);
  field = *rule;
  return nullptr;
}

const char* set_send(cmd_parms* cmd, void*, const char* argument) noexcept {
  return set_rule(cmd, target_of(cmd).send, argument);
}

// Whether a list of arguments is the one word that empties what stands before.
Result<bool> empties(const char* word, int count, char* const arguments[]) {
  const bool given = std::any_of(arguments, arguments + count, [&](const char* argument) {
    return strcasecmp(argument, word) == 0;
  });
  if (given && count > 1) return Error{std::string("'") + word + "' stands alone in its line"};
  return given;
}

const char* add_denied_scripts(cmd_parms* cmd, void*, int count, char* const arguments[]) noexcept {
  if (count == 0) return wrong(cmd, "a regular expression is missing; or none");
  const auto none = empties("none", count, arguments);
  if (!none) return wrong(cmd, none.error().message);
  auto& scripts = ensure(cmd, target_of(cmd).denied_scripts);
  if (*none) scripts.clear();
  for (int i = 0; i < count && !*none; i++) {
    if (const auto compiled = Pattern::compile(arguments[i]); !compiled) {
      return wrong(cmd, "not a regular expression: " + compiled.error().message);
    }
    scripts.emplace_back(arguments[i]);
  }
  return nullptr;
}

const char* add_limit(cmd_parms* cmd, void*, int count, char* const arguments[]) noexcept {
  if (count == 0) return wrong(cmd, "a rate is missing, as in 100/hour; or none");
  auto& limits = ensure(cmd, target_of(cmd).limits);
  if (count == 1 && strcasecmp(arguments[0], "none") == 0) {
    limits.clear();
    return nullptr;
  }
  const auto limit = parse_limit({arguments, arguments + count});
  if (!limit) return wrong(cmd, limit.error().message);
  limits.push_back(*limit);
  return nullptr;
}

const char* set_max_recipients(cmd_parms* cmd, void*, const char* argument) noexcept {
  if (strcasecmp(argument, "none") == 0) {
    target_of(cmd).max_recipients = 0;
    return nullptr;
  }
  const auto number = parse_max_recipients(argument);
  if (!number) return wrong(cmd, number.error().message);
  target_of(cmd).max_recipients = *number;
  return nullptr;
}

const char* add_sender_domains(cmd_parms* cmd, void*, int count, char* const arguments[]) noexcept {
  if (count == 0) return wrong(cmd, "a domain is missing; or vhost, or any");
  const auto any = empties("any", count, arguments);
  if (!any) return wrong(cmd, any.error().message);
  auto& domains = ensure(cmd, target_of(cmd).sender_domains);
  if (*any) domains.clear();
  for (int i = 0; i < count && !*any; i++) {
    if (equal_ignoring_case(arguments[i], own_domains)) {
      domains.emplace_back(own_domains);
      continue;
    }
    auto domain = parse_domain(arguments[i]);
    if (!domain) return wrong(cmd, domain.error().message);
    domains.push_back(*std::move(domain));
  }
  return nullptr;
}

const char* set_unverified(cmd_parms* cmd, void*, const char* argument) noexcept {
  if (const char* refused = refuse_in_vhost(cmd)) return refused;
  return set_rule(cmd, target_of(cmd).unverified, argument);
}

const char* add_socket(cmd_parms* cmd, void*, const char* path, const char* mode) noexcept {
  if (const char* refused = refuse_in_vhost(cmd)) return refused;
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
  auto& sockets = ensure(cmd, target_of(cmd).sockets);
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

const char* set_directory(cmd_parms* cmd, const char*& field, const char* argument) {
  if (const char* refused = refuse_in_vhost(cmd)) return refused;
  const char* const path = path_of(cmd, argument);
  if (path == nullptr) return wrong(cmd, "'" + std::string(argument) + "' is not a directory");
  // Without a slash at its end: it is compared with the directories of sockets.
  std::size_t length = std::strlen(path);
  while (length > 1 && path[length - 1] == '/') length--;
  field = apr_pstrmemdup(cmd->pool, path, length);
  return nullptr;
}

const char* set_runtime_directory(cmd_parms* cmd, void*, const char* argument) noexcept {
  ServerConfig& config = target_of(cmd);
  if (const char* refused = set_directory(cmd, config.runtime_directory, argument)) return refused;
  if (question_socket(config.runtime_directory).size() < sizeof(sockaddr_un::sun_path)) {
    return nullptr;
  }
  return wrong(cmd, "'" + std::string(argument) +
                        "' is too long: a socket's path in it would have more than " +
                        std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes");
}

const char* set_state_directory(cmd_parms* cmd, void*, const char* argument) noexcept {
  return set_directory(cmd, target_of(cmd).state_directory, argument);
}

const char* set_user(cmd_parms* cmd, void*, const char* argument) noexcept {
  if (const char* refused = refuse_in_vhost(cmd)) return refused;
  const auto uid = parse_user(argument, users_of(cmd->pool));
  if (!uid) return wrong(cmd, uid.error().message);
  if (*uid == 0) {
    return wrong(cmd, "'" + std::string(argument) +
                          "' is root; the daemon that tenants talk to needs a user without rights");
  }
  target_of(cmd).user = apr_pstrdup(cmd->pool, argument);
  return nullptr;
}

const char* set_daemon(cmd_parms* cmd, void*, const char* argument) noexcept {
  if (const char* refused = refuse_in_vhost(cmd)) return refused;
  if (strcasecmp(argument, external_daemon) == 0) {
    target_of(cmd).daemon = external_daemon;
    return nullptr;
  }
  target_of(cmd).daemon = path_of(cmd, argument);
  if (target_of(cmd).daemon == nullptr) {
    return wrong(cmd,
                 "'" + std::string(argument) + "' is neither 'external' nor mailorigind's path");
  }
  return nullptr;
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

ServerConfig& own_config_of(apr_pool_t* pool, server_rec* server, const server_rec* main_server) {
  ServerConfig* config = &config_of(server);
  if (server != main_server && config == &config_of(main_server)) {
    config = merge(pool, *config, ServerConfig{});
    ap_set_module_config(server->module_config, &mailorigin_module, config);
  }
  return *config;
}

DaemonSettings daemon_settings(const ServerConfig& config) {
  const auto or_default = [](const char* value, const char* fallback) {
    return std::string(value != nullptr ? value : fallback);
  };
  DaemonSettings settings;
  settings.external = config.daemon == external_daemon;
  settings.program = or_default(config.daemon, MAILORIGIND_PATH);
  settings.user = or_default(config.user, default_user);
  settings.runtime_directory = or_default(config.runtime_directory, default_runtime_directory);
  settings.state_directory = or_default(config.state_directory, default_state_directory);
  settings.firewall_user = or_default(config.firewall_user, default_firewall_user);
  settings.has_firewall_state = !settings.external || config.state_directory != nullptr ||
                                settings.runtime_directory == default_runtime_directory;
  if (config.sockets != nullptr) {
    settings.sockets = *config.sockets;
  } else {
    settings.sockets.push_back({question_socket(settings.runtime_directory)});
  }
  return settings;
}

}  // namespace mailorigin

using namespace mailorigin;

extern "C" {

void* mailorigin_create_server_config(apr_pool_t* pool, server_rec*) { return create(pool); }

void* mailorigin_merge_server_config(apr_pool_t* pool, void* base, void* add) {
  return merge(pool, *static_cast<ServerConfig*>(base), *static_cast<ServerConfig*>(add));
}

const command_rec mailorigin_directives[] = {
    AP_INIT_TAKE1("MailOrigin", set_enabled, nullptr, RSRC_CONF,
                  "On or Off: whether mail from here is recorded"),
    AP_INIT_TAKE12("MailOriginLog", add_log, nullptr, RSRC_CONF,
                   "a file, \"|command\", syslog[:facility] or none, and a format or nickname"),
    AP_INIT_TAKE2("MailOriginLogFormat", add_log_format, nullptr, RSRC_CONF,
                  "a \"format\" and its nickname"),
    AP_INIT_TAKE12("MailOriginHeader", add_header, nullptr, RSRC_CONF,
                   "On, Off, none, or a header's name and its \"format\""),
    AP_INIT_TAKE1("MailOriginRunAs", set_run_as, nullptr, RSRC_CONF,
                  "the user or #uid that PHP of this virtual host runs as"),
    AP_INIT_TAKE1("MailOriginStrict", set_strict, nullptr, RSRC_CONF,
                  "On or Off: whether .htaccess is kept from PHP's settings and from the context"),
    AP_INIT_TAKE1("MailOriginSend", set_send, nullptr, RSRC_CONF,
                  "allow, observe or deny: mail from this virtual host's scripts"),
    AP_INIT_TAKE_ARGV("MailOriginDenyScript", add_denied_scripts, nullptr, RSRC_CONF,
                      "regular expressions of scripts that may not send, or none"),
    AP_INIT_TAKE_ARGV("MailOriginLimit", add_limit, nullptr, RSRC_CONF,
                      "N/second|minute|hour|day [burst=N] [per=vhost|script|uid] "
                      "[count=mails|recipients] [action=deny|observe], or none"),
    AP_INIT_TAKE1("MailOriginMaxRecipients", set_max_recipients, nullptr, RSRC_CONF,
                  "the most recipients of one message, or none"),
    AP_INIT_TAKE_ARGV("MailOriginSender", add_sender_domains, nullptr, RSRC_CONF,
                      "domains that From and the envelope sender must belong to, vhost, or any"),
    AP_INIT_TAKE1("MailOriginUnverified", set_unverified, nullptr, RSRC_CONF,
                  "allow, observe or deny: mail without a verified origin or a virtual host"),
    AP_INIT_TAKE12("MailOriginSocket", add_socket, nullptr, RSRC_CONF,
                   "the path of a socket for questions, and its octal mode"),
    AP_INIT_TAKE1("MailOriginRuntimeDir", set_runtime_directory, nullptr, RSRC_CONF,
                  "the directory of sockets and key"),
    AP_INIT_TAKE1("MailOriginStateDir", set_state_directory, nullptr, RSRC_CONF,
                  "the directory of the daemon's journal"),
    AP_INIT_TAKE1("MailOriginUser", set_user, nullptr, RSRC_CONF,
                  "the user or #uid that the daemon runs as"),
    AP_INIT_TAKE1("MailOriginDaemon", set_daemon, nullptr, RSRC_CONF,
                  "external, or the path of mailorigind"),
    AP_INIT_TAKE1("MailOriginFirewall", set_firewall, nullptr, RSRC_CONF,
                  "Off, observe or On: who may connect to SMTP ports"),
    AP_INIT_TAKE1("MailOriginFirewallUser", set_firewall_user, nullptr, RSRC_CONF,
                  "the user or #uid that the firewall's process runs as"),
    AP_INIT_ITERATE("MailOriginSmtpPorts", add_smtp_port, nullptr, RSRC_CONF,
                    "the ports that mail servers listen on"),
    AP_INIT_ITERATE("MailOriginSmtpUsers", add_smtp_user, nullptr, RSRC_CONF,
                    "user, #uid, @group or @#gid that may always connect to them, or none"),
    AP_INIT_TAKE12("MailOriginSmtp", set_smtp, nullptr, RSRC_CONF,
                   "deny, observe, allow or redirect host:port: connections of this virtual "
                   "host's scripts to SMTP ports"),
    AP_INIT_ITERATE("MailOriginSmtpAllow", add_smtp_destination, nullptr, RSRC_CONF,
                    "host or address[/prefix][:port] that may be connected to, or none"),
    AP_INIT_TAKE1("MailOriginSmtpLocal", set_smtp_local, nullptr, RSRC_CONF,
                  "allow, observe or deny: connections to SMTP ports of a loopback address"),
    {},
};

}  // extern "C"
