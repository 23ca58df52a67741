#include "mod_mailorigin/configuration.h"

#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <set>
#include <string_view>
#include <type_traits>
#include <utility>

#include "mod_mailorigin/access_logs.h"
#include "mod_mailorigin/cgi_programs.h"
#include "mod_mailorigin/configuration_checks.h"
#include "mod_mailorigin/page_handlers.h"
#include "mod_mailorigin/pool.h"
#include "mod_mailorigin/site_names.h"
#include "mod_mailorigin/site_sections.h"
#include "mod_mailorigin/strict.h"
#include "mod_mailorigin/vhost_names.h"
#include "mod_mailorigin/vhost_users.h"

namespace mailorigin::httpd {

namespace {

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

// As PHP and the kernel name what is in it; empty where that is the same, or is not there.
std::string real_docroot_of(const server_rec* server) {
  const std::string docroot = docroot_of(server);
  char real[PATH_MAX];
  if (realpath(docroot.c_str(), real) == nullptr || docroot == real) return {};
  return real;
}

// SuexecUserGroup's, for a host as a whole. The hook asks for a request: it gets one that has
// what a request has before anything is known of it.
class SuexecUsers {
 public:
  explicit SuexecUsers(apr_pool_t* pool) {
    request_.pool = pool;
    request_.notes = apr_table_make(pool, 1);
    request_.headers_in = apr_table_make(pool, 1);
    request_.request_config = ap_create_request_config(pool);
    request_.subprocess_env = apr_table_make(pool, 1);
  }

  std::optional<std::uint32_t> uid_of(server_rec* server) {
    request_.server = server;
    request_.per_dir_config = server->lookup_defaults;
    const ap_unix_identity_t* const identity = ap_run_get_suexec_identity(&request_);
    if (identity == nullptr) return std::nullopt;
    return static_cast<std::uint32_t>(identity->uid);
  }

 private:
  request_rec request_{};
};

// As the kernel's own firewall logs: tools look for these words. There is no packet
// yet when a connect is refused, and so no source.
constexpr std::string_view refused_log_format =
    "MAILORIGIN_SMTP_OUT IN= OUT= SRC=0.0.0.0 DST=%{dst} PROTO=TCP SPT=0 DPT=%{dst_port} "
    "UID=%{uid} GID=%{gid} ID=%{id}";

// In one warning.
constexpr std::size_t hosts_named = 5;

apr_pool_t* subpool(apr_pool_t* pool) {
  apr_pool_t* made = nullptr;
  apr_pool_create(&made, pool);
  return made;
}

// Reads one configuration, reporting each fault and going on to the next.
class Reader {
 public:
  Reader(apr_pool_t* pool, Configuration& configuration, Purpose purpose)
      : pool_(pool),
        scratch_(subpool(pool)),
        purpose_(purpose),
        configuration_(configuration),
        users_(configuration.warnings),
        suexec_(scratch_) {}
  ~Reader() { apr_pool_destroy(scratch_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  bool read() {
    read_modules();
    read_servers();
    users_.warn();
    warn_of_cgi();
    check_configuration(pool_, configuration_, faults_);
    return !faults_.any();
  }

 private:
  void read_modules() {
    configuration_.proxy_fcgi = ap_find_linked_module("mod_proxy_fcgi.c");
    configuration_.userdir = ap_find_linked_module("mod_userdir.c");
    for (const char* name : {"mod_php.c", "mod_php7.c"}) {
      configuration_.has_php_inside |= ap_find_linked_module(name) != nullptr;
    }
    if (purpose_ == Purpose::faults) return;
    configuration_.has_settings_for_php = has_settings_for_php(ap_conftree);
    configuration_.page_handlers = page_handlers(ap_conftree);
  }

  void read_servers() {
    if (purpose_ == Purpose::service) access_logs_.emplace(scratch_, ap_conftree);
    server_rec* const main_server = configuration_.main_server;
    settings_ = &server_settings_of(main_server);
    configuration_.daemon = daemon_settings(*settings_);
    Policy& policy = configuration_.policy;
    policy.instance = ap_server_root_relative(scratch_, ap_pid_fname);

    // Id 0, and a name that a virtual host may have as well.
    VhostName name;
    name.name =
        std::string(main_server->server_hostname) + ':' + std::to_string(port_of(main_server));
    read_server(main_server, name, policy.server);
    policy.unverified = settings_->unverified.value_or(Rule::allow);  // MailOriginUnverified
    read_firewall(policy.firewall);
    read_store(policy.store);
    read_queue(policy.queue);

    // httpd's list begins with the last one; of two hosts that cannot be told
    // apart, requests reach the first.
    std::vector<server_rec*> servers;
    for (server_rec* each = main_server->next; each != nullptr; each = each->next) {
      servers.push_back(each);
    }
    std::reverse(servers.begin(), servers.end());
    apply_site_sections(pool_, main_server, servers, configuration_.warnings);
    policy.vhosts.reserve(servers.size());
    VhostNames names;
    for (server_rec* const server : servers) {
      const auto address = [&] { return address_of(scratch_, server); };
      name = names.choose(server->server_hostname, port_of(server), address, place_of(server));
      if (!name.warning.empty()) configuration_.warnings.push_back("MO0105: " + name.warning);
      read_server(server, name, policy.vhosts.emplace_back());
    }
  }

  void read_firewall(FirewallPolicy& firewall) {
    firewall.mode = settings_->firewall.value_or(FirewallMode::off);  // MailOriginFirewall
    // MailOriginSmtpPorts, MailOriginSmtpUsers
    if (settings_->smtp_ports != nullptr) firewall.ports = *settings_->smtp_ports;
    if (settings_->smtp_accounts != nullptr) {
      firewall.uids = settings_->smtp_accounts->uids;
      firewall.gids = settings_->smtp_accounts->gids;
    }
    firewall.httpd_uid = ap_unixd_config.user_id;
    if (firewall.mode != FirewallMode::off) read_refused_log();
  }

  void read_store(StorePolicy& store) {
    if (settings_->store != nullptr) {  // MailOriginStore
      store.enabled = *settings_->store->driver != '\0';
      store.driver = settings_->store->driver;
      store.params = settings_->store->params;
    }
    // MailOriginRetain
    store.retained_days = settings_->retained_days.value_or(store.retained_days);
  }

  void read_queue(QueuePolicy& queue) {
    queue.milter = !configuration_.daemon.milter.empty();  // MailOriginMilter
    if (queue.milter) {                                    // MailOriginMilterUser
      const auto uid = parse_user(configuration_.daemon.milter_user, users_of(pool_));
      if (uid) queue.milter_uid = *uid;
    }
    queue.unrecorded = settings_->unrecorded.value_or(queue.unrecorded);  // MailOriginUnrecorded
    queue.trusted_uids = {0};
    // MailOriginTrustedSubmitters
    if (settings_->trusted_uids != nullptr) queue.trusted_uids = *settings_->trusted_uids;
    const EximSocket* const exim = settings_->exim_socket;  // MailOriginEximSocket
    queue.exim = exim != nullptr && exim->path != nullptr;
    if (queue.exim) queue.exim_uid = exim->uid;
  }

  // Nobody asked for it: where there is no syslog, events must not wait for one.
  void read_refused_log() {
    if (access("/dev/log", F_OK) != 0) {
      configuration_.warnings.emplace_back(
          "MO0125: there is no syslog (/dev/log): refused connections are in MailOriginLog's "
          "targets alone");
      return;
    }
    configuration_.policy.refused_log = {target_index({LogTarget::Kind::syslog, "user"}, {}),
                                         {false, std::string(refused_log_format)}};
  }

  void read_server(server_rec* server, const VhostName& name, VhostPolicy& policy) {
    ServerConfig& config = own_config_of(pool_, server, configuration_.main_server);
    const auto suexec = suexec_.uid_of(server);
    const auto [run_as, run_as_fault] = run_as_of(server, name.name, suexec);  // MailOriginRunAs
    // Nothing in it has a destructor: a pool's memory is all it needs.
    static_assert(std::is_trivially_destructible_v<Vhost>);
    Vhost* const vhost = new (apr_palloc(pool_, sizeof(Vhost))) Vhost;
    vhost->configuration = &configuration_;
    vhost->id = name.id;
    vhost->place = configuration_.vhost_ids.size();
    configuration_.vhost_ids.push_back(name.id);
    vhost->name = {apr_pstrmemdup(pool_, name.name.data(), name.name.size()), name.name.size()};
    vhost->enabled = config.enabled.value_or(true);  // MailOrigin
    vhost->strict = config.strict.value_or(true);    // MailOriginStrict
    vhost->uid_is_set = run_as.has_value();          // MailOriginRunAs
    config.vhost = vhost;

    policy.id = name.id;
    policy.name = name.name;
    policy.site = site_of(server);
    add_aliases(server, policy.aliases);
    if (server->is_virtual != 0) policy.place = place_of(server).text();
    policy.docroot = docroot_of(server);
    policy.enabled = vhost->enabled;
    policy.strict = vhost->strict;
    policy.run_as = run_as ? run_as : suexec;
    policy.run_as_fault = run_as_fault;
    if (policy.run_as) vhost->uid = *policy.run_as;
    if (config.run_as && !config.run_as->is_owner && could_be_user(config.run_as->user)) {
      policy.user = config.run_as->user;
    }
    if (purpose_ == Purpose::service) {
      policy.access_logs = access_logs_->of(server);
      if (policy.run_as) policy.real_docroot = real_docroot_of(server);
    }
    look_for_cgi(server, policy, run_as.has_value());
    read_rules(server, config, policy);
    policy.smtp = smtp_policy(config);
    // MailOriginHeader, MailOriginLog
    if (config.headers != nullptr) policy.headers = *config.headers;
    if (config.logs != nullptr) policy.logs = routes(config, policy.site);
    if (config.sections != nullptr) policy.sections = *config.sections;
  }

  // SuexecUserGroup names the user whom `owner` finds out. Outside of virtual hosts there is
  // a site only where there are none.
  VhostUsers::User run_as_of(const server_rec* server, const std::string& host,
                             std::optional<std::uint32_t> suexec) {
    const ServerConfig& config = config_of(server);
    const bool is_site = server->is_virtual != 0 || server->next == nullptr;
    if (config.run_as && config.run_as->is_owner && (suexec || !is_site)) return {};
    return users_.of(host, docroot_of(server), config);
  }

  // What runs as httpd's user is not the user of MailOriginRunAs. It takes its time with
  // many sections: httpd -t says it, not each start.
  void look_for_cgi(server_rec* server, const VhostPolicy& policy, bool has_run_as) {
    if (ap_state_query(AP_SQ_RUN_MODE) != AP_SQ_RM_CONFIG_TEST || !has_run_as) return;
    if (!cgi_programs_) cgi_programs_.emplace(scratch_, ap_conftree);
    const std::string way = cgi_programs_->way_of(server, policy.docroot);
    if (!way.empty() && !suexec_.uid_of(server))
      with_cgi_.push_back(policy.name + " (" + way + ')');
  }

  void warn_of_cgi() {
    if (with_cgi_.empty()) return;
    const std::size_t named = std::min(with_cgi_.size(), hosts_named);
    std::string hosts;
    for (std::size_t i = 0; i < named; i++) hosts += (i == 0 ? "" : ", ") + with_cgi_[i];
    if (named < with_cgi_.size()) {
      hosts += " and " + std::to_string(with_cgi_.size() - named) + " more";
    }
    configuration_.warnings.push_back(
        "MO0130: CGI programs and SSI's exec run as httpd's User, not as that of MailOriginRunAs, "
        "unless SuexecUserGroup says otherwise: " +
        hosts);
  }

  static void read_rules(const server_rec* server, const ServerConfig& config,
                         VhostPolicy& policy) {
    policy.send = config.send.value_or(Rule::allow);  // MailOriginSend
    // MailOriginDenyScript, MailOriginLimit, MailOriginMaxRecipients
    if (config.denied_scripts != nullptr) policy.denied_scripts = *config.denied_scripts;
    if (config.limits != nullptr) policy.limits = *config.limits;
    if (config.max_recipients && config.max_recipients->most > 0) {
      policy.max_recipients = config.max_recipients;
    }
    // MailOriginSender
    if (config.sender == nullptr) return;
    policy.sender.action = config.sender->action;
    for (const std::string& domain : config.sender->domains) {
      if (domain == own_domains) {
        add_own_domains(server, policy.sender.domains);
      } else {
        policy.sender.domains.push_back(domain);
      }
    }
  }

  // One site is all virtual hosts of one ServerName.
  static std::string site_of(const server_rec* server) {
    std::string site = server->server_hostname != nullptr ? server->server_hostname : "";
    ap_str_tolower(site.data());
    return site;
  }

  // ServerAlias, wildcards included.
  static void add_aliases(const server_rec* server, std::vector<std::string>& domains) {
    for (const apr_array_header_t* names : {server->names, server->wild_names}) {
      for (int i = 0; names != nullptr && i < names->nelts; i++) {
        ap_str_tolower(domains.emplace_back(APR_ARRAY_IDX(names, i, const char*)).data());
      }
    }
  }

  static void add_own_domains(const server_rec* server, std::vector<std::string>& domains) {
    if (server->server_hostname != nullptr) domains.push_back(site_of(server));
    add_aliases(server, domains);
  }

  std::uint32_t target_index(const LogTarget& target, const Place& place) {
    std::vector<LogTarget>& targets = configuration_.policy.targets;
    const auto [at, fresh] = targets_.try_emplace({static_cast<int>(target.kind), target.name},
                                                  static_cast<std::uint32_t>(targets.size()));
    if (fresh) {
      targets.push_back(target);
      configuration_.log_places.push_back(place);
    }
    return at->second;
  }

  // Those of the server's list are the same for all hosts that inherit it, unless it names sites.
  std::vector<LogRoute> routes(const ServerConfig& config, const std::string& site) {
    const Inherited list = {config.logs, config.formats};
    const auto known = known_routes_.find(list);
    if (known != known_routes_.end()) return known->second;
    std::vector<LogRoute> made;
    bool of_site = false;
    for (const LogDirective& log : *config.logs) {
      of_site |= log.target.name.find(site_placeholder) != std::string::npos;
      made.push_back(route(log, config, site));
    }
    if (!of_site) known_routes_.emplace(list, made);
    return made;
  }

  LogRoute route(const LogDirective& log, const ServerConfig& config, const std::string& site) {
    LogRoute route;
    LogTarget target = log.target;
    if (target.kind == LogTarget::Kind::file) target.name = path_of_site(target.name, site);
    route.target = target_index(target, log.place);
    // MailOriginLogFormat
    auto format =
        choose_format(log.format, config.formats, config_of(configuration_.main_server).formats);
    if (format) {
      route.format = *std::move(format);
    } else if (unknown_formats_.insert(log.place.text()).second) {
      faults_.add("MO0101: MailOriginLog (" + log.place.text() + "): " + format.error().message);
    }
    return route;
  }

  apr_pool_t* pool_;
  apr_pool_t* scratch_;
  const Purpose purpose_;
  Configuration& configuration_;
  VhostUsers users_;
  SuexecUsers suexec_;
  const ServerSettings* settings_ = nullptr;
  std::optional<AccessLogs> access_logs_;
  std::map<std::pair<int, std::string>, std::uint32_t> targets_;
  using Inherited = std::pair<const std::vector<LogDirective>*, const Nicknames*>;
  std::map<Inherited, std::vector<LogRoute>> known_routes_;
  std::set<std::string> unknown_formats_;  // places: a list may serve many hosts
  std::optional<CgiPrograms> cgi_programs_;
  std::vector<std::string> with_cgi_;
  Faults faults_;
};

}  // namespace

Configuration* read_configuration(apr_pool_t* pool, server_rec* main_server, Purpose purpose) {
  auto* const configuration = pool_new<Configuration>(pool);
  configuration->main_server = main_server;
  Reader reader(pool, *configuration, purpose);
  return reader.read() ? configuration : nullptr;
}

Configuration* configuration_of(const server_rec* main_server) {
  const Vhost* const vhost = config_of(main_server).vhost;
  return vhost == nullptr ? nullptr : vhost->configuration;
}

}  // namespace mailorigin::httpd
