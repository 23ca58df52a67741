#include "mod_mailorigin/configuration.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "core/unix_socket.h"
#include "mod_mailorigin/logs.h"
#include "mod_mailorigin/pool.h"
#include "mod_mailorigin/report.h"
#include "mod_mailorigin/sockets.h"
#include "mod_mailorigin/vhost_names.h"

namespace mailorigin {

namespace {

// Descriptors that httpd needs for everything else, at the least.
constexpr std::size_t other_descriptors = 64;

std::uint16_t port_of(const server_rec* server) {
  // server->port is that of ServerName, and not known to be listened on.
  if (server->addrs != nullptr && server->addrs->host_port != 0) return server->addrs->host_port;
  if (server->port != 0) return server->port;
  if (ap_listeners == nullptr) return DEFAULT_HTTP_PORT;
  const ap_listen_rec* first = ap_listeners;  // the list begins with the last Listen
  while (first->next != nullptr) first = first->next;
  return first->bind_addr->port;
}

std::string address_of(apr_pool_t* pool, const server_rec* server) {
  char* text = nullptr;
  if (server->addrs == nullptr || apr_sockaddr_ip_get(&text, server->addrs->host_addr) != 0) {
    return "*";
  }
  return apr_pstrdup(pool, text);
}

Place place_of(const server_rec* server) {
  return {server->defn_name != nullptr ? server->defn_name : "?", server->defn_line_number};
}

const char* docroot_of(const server_rec* server) {
  const auto* const core =
      static_cast<core_server_config*>(ap_get_core_module_config(server->module_config));
  return core->ap_document_root != nullptr ? core->ap_document_root : "";
}

// SuexecUserGroup's, for the host as a whole. The hook asks for a request:
// this one has what a request has before anything is known of it.
std::optional<std::uint32_t> suexec_uid(apr_pool_t* pool, server_rec* server) {
  request_rec request{};
  request.pool = pool;
  request.server = server;
  request.per_dir_config = server->lookup_defaults;
  request.notes = apr_table_make(pool, 1);
  request.headers_in = apr_table_make(pool, 1);
  request.request_config = ap_create_request_config(pool);
  request.subprocess_env = apr_table_make(pool, 1);
  const ap_unix_identity_t* const identity = ap_run_get_suexec_identity(&request);
  if (identity == nullptr) return std::nullopt;
  return static_cast<std::uint32_t>(identity->uid);
}

// As the kernel's own firewall logs: tools look for these words. There is no packet
// yet when a connect is refused, and so no source.
constexpr std::string_view refused_log_format =
    "MAILORIGIN_SMTP_OUT IN= OUT= SRC=0.0.0.0 DST=%{dst} PROTO=TCP SPT=0 DPT=%{dst_port} "
    "UID=%{uid} GID=%{gid}";

// Reads one configuration, reporting each fault and going on to the next.
class Reader {
 public:
  Reader(apr_pool_t* pool, Configuration& configuration)
      : pool_(pool), configuration_(configuration) {
    apr_pool_create(&scratch_, pool);
  }
  ~Reader() { apr_pool_destroy(scratch_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  bool read() {
    read_modules();
    read_servers();
    check_daemon();
    check_descriptors();
    check_secrecy();
    return !failed_;
  }

 private:
  void fail(const std::string& text) {
    report(APLOG_ERR, nullptr, text);
    failed_ = true;
  }

  void read_modules() {
    configuration_.proxy_fcgi = ap_find_linked_module("mod_proxy_fcgi.c");
    configuration_.userdir = ap_find_linked_module("mod_userdir.c");
    for (const char* name : {"mod_php.c", "mod_php7.c"}) {
      configuration_.has_php_inside |= ap_find_linked_module(name) != nullptr;
    }
    configuration_.php_values = read_php_values(scratch_, ap_conftree, configuration_.main_server);
    configuration_.php_values_of_server = php_values_of_server(nullptr);
  }

  const PhpValues* php_values_of_server(const server_rec* server) {
    const auto found = configuration_.php_values.find(server);
    return found == configuration_.php_values.end() ? nullptr : &found->second;
  }

  void read_servers() {
    server_rec* const main_server = configuration_.main_server;
    main_config_ = &config_of(main_server);
    configuration_.daemon = daemon_settings(*main_config_);
    Policy& policy = configuration_.policy;
    policy.instance = ap_server_root_relative(scratch_, ap_pid_fname);

    // Id 0, and a name that a virtual host may have as well.
    VhostName name;
    name.name =
        std::string(main_server->server_hostname) + ':' + std::to_string(port_of(main_server));
    policy.server = read_server(main_server, name);
    policy.unverified = main_config_->unverified.value_or(Rule::allow);
    policy.firewall.mode = main_config_->firewall.value_or(FirewallMode::off);
    if (main_config_->smtp_ports != nullptr) policy.firewall.ports = *main_config_->smtp_ports;
    if (main_config_->smtp_accounts != nullptr) {
      policy.firewall.uids = main_config_->smtp_accounts->uids;
      policy.firewall.gids = main_config_->smtp_accounts->gids;
    }
    if (policy.firewall.mode != FirewallMode::off) read_refused_log();

    // httpd's list begins with the last one; of two hosts that cannot be told
    // apart, requests reach the first.
    std::vector<server_rec*> servers;
    for (server_rec* each = main_server->next; each != nullptr; each = each->next) {
      servers.push_back(each);
    }
    std::reverse(servers.begin(), servers.end());
    VhostNames names;
    for (server_rec* const server : servers) {
      name = names.choose(server->server_hostname, port_of(server), address_of(scratch_, server),
                          place_of(server));
      if (!name.warning.empty()) configuration_.warnings.push_back("MO0105: " + name.warning);
      policy.vhosts.push_back(read_server(server, name));
    }
  }

  // Nobody asked for it: where there is no syslog, events must not wait for one.
  void read_refused_log() {
    if (!is_there("/dev/log")) {
      configuration_.warnings.emplace_back(
          "MO0125: there is no syslog (/dev/log): refused connections are in MailOriginLog's "
          "targets alone");
      return;
    }
    configuration_.policy.refused_log = {target_index({LogTarget::Kind::syslog, "user"}),
                                         {false, std::string(refused_log_format)}};
  }

  VhostPolicy read_server(server_rec* server, const VhostName& name) {
    ServerConfig& config = own_config_of(pool_, server, configuration_.main_server);
    // Nothing in it has a destructor: a pool's memory is all it needs.
    static_assert(std::is_trivially_destructible_v<Vhost>);
    Vhost* const vhost = new (apr_palloc(pool_, sizeof(Vhost))) Vhost;
    vhost->configuration = &configuration_;
    vhost->id = name.id;
    vhost->name = {apr_pstrmemdup(pool_, name.name.data(), name.name.size()), name.name.size()};
    vhost->enabled = config.enabled.value_or(true);
    vhost->strict = config.strict.value_or(true);
    vhost->uid_is_set = config.run_as.has_value();
    if (server != configuration_.main_server) vhost->php_values = php_values_of_server(server);
    config.vhost = vhost;

    VhostPolicy policy;
    policy.id = name.id;
    policy.name = name.name;
    policy.docroot = docroot_of(server);
    policy.enabled = vhost->enabled;
    policy.run_as = config.run_as ? config.run_as : suexec_uid(scratch_, server);
    if (policy.run_as) vhost->uid = *policy.run_as;
    if (config.run_as == 0U) {
      configuration_.warnings.push_back(
          "MO0120: " + name.name +
          " runs PHP as root (MailOriginRunAs): its scripts can read the key and forge the origin "
          "of any mail");
    }
    if (config.run_as && *config.run_as == ap_unixd_config.user_id) {
      configuration_.warnings.push_back(
          "MO0106: " + name.name +
          " runs PHP as httpd's own User, whose processes hold the key: its scripts could forge "
          "the origin of any mail");
    }
    read_rules(server, config, policy);
    read_smtp(config, policy.smtp);
    if (config.headers != nullptr) policy.headers = *config.headers;
    if (config.logs != nullptr) {
      for (const LogDirective& log : *config.logs) policy.logs.push_back(route(log, config));
    }
    return policy;
  }

  static void read_rules(const server_rec* server, const ServerConfig& config,
                         VhostPolicy& policy) {
    policy.send = config.send.value_or(Rule::allow);
    if (config.denied_scripts != nullptr) policy.denied_scripts = *config.denied_scripts;
    if (config.limits != nullptr) policy.limits = *config.limits;
    if (config.max_recipients.value_or(0) > 0) policy.max_recipients = config.max_recipients;
    if (config.sender_domains == nullptr) return;
    for (const std::string& domain : *config.sender_domains) {
      if (domain == own_domains) {
        add_own_domains(server, policy.sender_domains);
      } else {
        policy.sender_domains.push_back(domain);
      }
    }
  }

  static void read_smtp(const ServerConfig& config, SmtpPolicy& smtp) {
    if (config.smtp != nullptr) {
      smtp.rule = config.smtp->rule;
      smtp.relay = config.smtp->relay;
    }
    if (config.smtp_allow != nullptr) smtp.allow = *config.smtp_allow;
    smtp.local = config.smtp_local.value_or(Rule::observe);
  }

  // ServerName and ServerAlias, wildcards included.
  static void add_own_domains(const server_rec* server, std::vector<std::string>& domains) {
    const auto add = [&](const char* name) { ap_str_tolower(domains.emplace_back(name).data()); };
    if (server->server_hostname != nullptr) add(server->server_hostname);
    for (const apr_array_header_t* names : {server->names, server->wild_names}) {
      for (int i = 0; names != nullptr && i < names->nelts; i++) {
        add(APR_ARRAY_IDX(names, i, const char*));
      }
    }
  }

  std::uint32_t target_index(const LogTarget& target) {
    std::vector<LogTarget>& targets = configuration_.policy.targets;
    const auto [at, fresh] = targets_.try_emplace({static_cast<int>(target.kind), target.name},
                                                  static_cast<std::uint32_t>(targets.size()));
    if (fresh) targets.push_back(target);
    return at->second;
  }

  LogRoute route(const LogDirective& log, const ServerConfig& config) {
    LogRoute route;
    route.target = target_index(log.target);
    auto format = choose_format(log.format, config.formats, main_config_->formats);
    if (format) {
      route.format = *std::move(format);
    } else if (unknown_formats_.insert(log.place.text()).second) {
      fail("MO0101: MailOriginLog (" + log.place.text() + "): " + format.error().message);
    }
    return route;
  }

  void check_daemon() {
    check_runtime_directory();
    const DaemonSettings& daemon = configuration_.daemon;
    if (daemon.external) {
      warn_of_unused_settings();
      return;
    }
    check_user();
    if (!is_program(daemon.program)) {
      fail("MO0118: MailOriginDaemon: " + daemon.program +
           " is not a program; 'external' or mailorigind's path is accepted");
    }
    for (const SocketDirective& socket : daemon.sockets) check_socket(socket);
    check_state_directory();
    check_control_socket();
  }

  // httpd makes the directory itself, but not those above it.
  void check_runtime_directory() {
    const std::string& directory = configuration_.daemon.runtime_directory;
    const Status checked =
        is_there(directory)
            ? check_socket_path(configuration_.daemon.control_path())
            : check_way(directory.substr(0, std::max<std::size_t>(directory.rfind('/'), 1)));
    if (!checked) {
      fail("MO0121: MailOriginRuntimeDir: '" + directory + "': " + checked.error().message);
    }
  }

  // The daemon makes the directory itself, but not those above it; without it
  // there is no daemon, and mail leaves unrecorded.
  void check_state_directory() {
    const std::string& directory = configuration_.daemon.state_directory;
    const auto fault_of = [](const std::string& path) {
      struct stat about {};
      if (stat(path.c_str(), &about) != 0) return errno;
      return S_ISDIR(about.st_mode) ? 0 : ENOTDIR;
    };
    std::string needed = directory;
    int fault = fault_of(needed);
    if (fault == ENOENT) {
      needed.resize(std::max<std::size_t>(needed.rfind('/'), 1));
      fault = fault_of(needed);
    }
    if (fault != 0) {
      fail("MO0122: MailOriginStateDir: '" + directory +
           "': " + system_error(needed, fault).message);
    }
  }

  // A start waits for whoever is about to let go, and fails then: too late for an httpd
  // that is restarted, which ends with it.
  void check_control_socket() {
    if (ap_state_query(AP_SQ_RUN_MODE) != AP_SQ_RM_CONFIG_TEST) return;
    pid_t httpd = 0;
    ap_read_pid(scratch_, configuration_.policy.instance.c_str(), &httpd);
    const Status checked = check_listener(configuration_.daemon.control_path(), httpd);
    if (!checked) fail("MO0126: MailOriginDaemon: " + checked.error().message);
  }

  void warn_of_unused_settings() {
    std::string unused;
    const auto note = [&](bool is_set, const char* directive) {
      if (is_set) unused += (unused.empty() ? "" : ", ") + std::string(directive);
    };
    note(main_config_->sockets != nullptr, "MailOriginSocket");
    // These two lead nobody to a door that is not there, as a socket would:
    // httpd -t says it, not each start.
    if (ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST) {
      note(main_config_->state_directory != nullptr, "MailOriginStateDir");
      note(main_config_->user != nullptr, "MailOriginUser");
      note(main_config_->firewall_user != nullptr, "MailOriginFirewallUser");
    }
    if (unused.empty()) return;
    configuration_.warnings.push_back(
        "MO0107: no effect beside MailOriginDaemon external, where mailorigind's own unit says "
        "it: " +
        unused);
  }

  // Whoever shares the daemon's user can stop it, and read and change its journal.
  void check_user() {
    const auto user = own_user("MO0102: MailOriginUser", configuration_.daemon.user);
    const Policy& policy = configuration_.policy;
    if (user && policy.firewall.mode != FirewallMode::off) check_firewall(*user);
  }

  void check_firewall(std::uint32_t daemon_user) {
    const DaemonSettings& settings = configuration_.daemon;
    const std::string program = settings.firewall_program();
    if (!is_program(program)) {
      fail("MO0123: MailOriginFirewall: " + program +
           " is not a program; it belongs beside mailorigind (MailOriginDaemon)");
    }
    const auto user = own_user("MO0124: MailOriginFirewallUser", settings.firewall_user);
    if (user == daemon_user) {
      fail("MO0124: MailOriginFirewallUser: '" + settings.firewall_user +
           "' is MailOriginUser as well, whose process talks to tenants");
    }
  }

  // The uid, if nothing else runs as that user.
  std::optional<std::uint32_t> own_user(const std::string& directive, const std::string& name) {
    const auto user = parse_user(name, users_of(pool_));
    if (!user) {
      fail(directive + ": " + user.error().message);
      return std::nullopt;
    }
    const auto refuse = [&](const std::string& other) {
      fail(directive + ": '" + name + "' is " + other +
           "; a user of its own is needed, that nothing else runs as");
    };
    if (*user == ap_unixd_config.user_id) refuse("httpd's own User as well");
    const Policy& policy = configuration_.policy;
    const auto same = [&](const VhostPolicy& vhost) { return vhost.run_as == *user; };
    const auto found = std::find_if(policy.vhosts.begin(), policy.vhosts.end(), same);
    if (found != policy.vhosts.end()) {
      refuse("the user that PHP of " + found->name + " runs as");
    } else if (same(policy.server)) {
      refuse("the user that PHP of " + policy.server.name + " runs as");
    }
    return *user;
  }

  static bool is_program(const std::string& path) {
    struct stat about {};
    return stat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode) && (about.st_mode & 0111) != 0;
  }

  static bool is_there(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

  void check_socket(const SocketDirective& socket) {
    for (const std::string& own :
         {configuration_.daemon.control_path(), configuration_.daemon.runtime_directory + "/key"}) {
      if (socket.path == own) {
        fail("MO0119: MailOriginSocket: '" + own + "' is needed for another purpose");
      }
    }
    const std::string& made_at_start = configuration_.daemon.runtime_directory;
    if (socket.path.substr(0, socket.path.rfind('/')) == made_at_start &&
        !is_there(made_at_start)) {
      return;
    }
    if (const Status checked = check_socket_path(socket.path); !checked) {
      fail("MO0119: MailOriginSocket: '" + socket.path + "': " + checked.error().message);
    }
  }

  void check_descriptors() {
    rlimit limit{};
    const std::size_t needed = descriptors_needed(configuration_.policy) + other_descriptors;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || needed <= limit.rlim_cur) return;
    fail("MO0103: MailOriginLog: " + std::to_string(configuration_.policy.targets.size()) +
         " different targets need " + std::to_string(needed) +
         " file descriptors, and RLIMIT_NOFILE allows " + std::to_string(limit.rlim_cur) +
         ": raise it (ulimit -n, LimitNOFILE= in httpd's unit)");
  }

  void check_secrecy() {
    if (ap_coredumpdir_configured == 0) return;
    configuration_.warnings.emplace_back(
        "MO0108: CoreDumpDirectory is set: a core of httpd contains the key that origins are "
        "sealed with");
  }

  apr_pool_t* pool_;
  apr_pool_t* scratch_ = nullptr;
  Configuration& configuration_;
  const ServerConfig* main_config_ = nullptr;
  std::map<std::pair<int, std::string>, std::uint32_t> targets_;
  std::set<std::string> unknown_formats_;  // places: a list may serve many hosts
  bool failed_ = false;
};

}  // namespace

Configuration* read_configuration(apr_pool_t* pool, server_rec* main_server) {
  auto* const configuration = pool_new<Configuration>(pool);
  configuration->main_server = main_server;
  Reader reader(pool, *configuration);
  return reader.read() ? configuration : nullptr;
}

Configuration* configuration_of(const server_rec* main_server) {
  const Vhost* const vhost = config_of(main_server).vhost;
  return vhost == nullptr ? nullptr : vhost->configuration;
}

}  // namespace mailorigin
