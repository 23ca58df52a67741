#include "mod_mailorigin/configuration_checks.h"

#include <apr_dbd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/counted.h"
#include "core/default_paths.h"
#include "core/unix_socket.h"
#include "mod_mailorigin/code_in_httpd.h"
#include "mod_mailorigin/logs.h"
#include "mod_mailorigin/sockets.h"

namespace mailorigin::httpd {

namespace {

// Descriptors that httpd needs for everything else, at the least.
constexpr std::size_t other_descriptors = 64;

bool is_program(const std::string& path) {
  struct stat about {};
  return stat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode) && (about.st_mode & 0111) != 0;
}

bool is_there(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

// All members are named, so that no rule to come is forgotten here: it does not compile.
auto rules_of(const VhostPolicy& vhost) {
  const auto& [id, name, site, aliases, place, docroot, real_docroot, enabled, strict, run_as, user,
               run_as_fault, sections, logs, headers, access_logs, send, denied_scripts, limits,
               max_recipients, sender, smtp] = vhost;
  return std::tie(enabled, send, denied_scripts, limits, max_recipients, sender, smtp);
}

// In the order of rules_of().
constexpr const char* rule_directives[] = {"MailOrigin",
                                           "MailOriginSend",
                                           "MailOriginDenyScript",
                                           "MailOriginLimit",
                                           "MailOriginMaxRecipients",
                                           "MailOriginSender",
                                           "MailOriginSmtp, -Allow or -Local"};

template <class... Rules>
std::string differences(const std::tuple<Rules...>& some, const std::tuple<Rules...>& others) {
  static_assert(sizeof...(Rules) == std::size(rule_directives), "a name for each rule");
  std::string out;
  const auto add = [&](bool same, const char* directive) {
    if (!same) out += (out.empty() ? "" : ", ") + std::string(directive);
  };
  [&]<std::size_t... At>(std::index_sequence<At...>) {
    (add(std::get<At>(some) == std::get<At>(others), rule_directives[At]), ...);
  }
  (std::index_sequence_for<Rules...>());
  return out;
}

class Checks {
 public:
  Checks(apr_pool_t* pool, Configuration& configuration, Faults& faults)
      : pool_(pool),
        configuration_(configuration),
        settings_(server_settings_of(configuration.main_server)),
        faults_(faults) {}

  void check() {
    check_daemon();
    check_store();
    check_logs();
    check_descriptors();
    check_secrecy();
    check_sites();
    check_holding();
    check_milter();
  }

 private:
  void check_daemon() {
    check_runtime_directory();
    const DaemonSettings& daemon = configuration_.daemon;
    if (daemon.external) {
      warn_of_unused_settings();
      check_users_of_units();
      return;
    }
    check_user();
    if (!is_program(daemon.program)) {
      faults_.add("MO0118: MailOriginDaemon: " + daemon.program +
                  " is not a program; 'external' or mailorigind's path is accepted");
    }
    for (const SocketDirective& socket : daemon.sockets)
      check_socket(socket, "MO0119: MailOriginSocket");
    if (daemon.exim_socket) check_socket(*daemon.exim_socket, "MO0132: MailOriginEximSocket");
    check_state_directory();
    check_control_socket();
  }

  // The daemon loads it, and goes on without: httpd -t says it ahead.
  void check_store() {
    const StorePolicy& store = configuration_.policy.store;
    if (!store.enabled || ap_state_query(AP_SQ_RUN_MODE) != AP_SQ_RM_CONFIG_TEST) return;
    const apr_dbd_driver_t* driver = nullptr;
    apr_dbd_init(pool_);
    if (apr_dbd_get_driver(pool_, store.driver.c_str(), &driver) == APR_SUCCESS) return;
    configuration_.warnings.push_back("MO0145: MailOriginStore: apr_dbd has no driver '" +
                                      store.driver +
                                      "' here: nothing is stored until package "
                                      "libaprutil1-dbd-" +
                                      store.driver + " is installed");
  }

  // httpd makes the directory itself, but not those above it.
  void check_runtime_directory() {
    const std::string& directory = configuration_.daemon.runtime_directory;
    const Status checked =
        is_there(directory)
            ? check_socket_path(configuration_.daemon.control_path())
            : check_way(directory.substr(0, std::max<std::size_t>(directory.rfind('/'), 1)));
    if (!checked) {
      faults_.add("MO0121: MailOriginRuntimeDir: '" + directory + "': " + checked.error().message);
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
      faults_.add("MO0122: MailOriginStateDir: '" + directory +
                  "': " + system_error(needed, fault).message);
    }
  }

  // A start waits for whoever is about to let go, and fails then: too late for an httpd
  // that is restarted, which ends with it.
  void check_control_socket() {
    if (ap_state_query(AP_SQ_RUN_MODE) != AP_SQ_RM_CONFIG_TEST) return;
    pid_t httpd = 0;
    ap_read_pid(pool_, configuration_.policy.instance.c_str(), &httpd);
    const Status checked = check_listener(configuration_.daemon.control_path(), httpd);
    if (!checked) faults_.add("MO0126: MailOriginDaemon: " + checked.error().message);
  }

  void warn_of_unused_settings() {
    std::string unused;
    const auto note = [&](bool is_set, const char* directive) {
      if (is_set) unused += (unused.empty() ? "" : ", ") + std::string(directive);
    };
    note(settings_.sockets != nullptr, "MailOriginSocket");
    // These two lead nobody to a door that is not there, as a socket would:
    // httpd -t says it, not each start.
    if (ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST) {
      note(settings_.state_directory != nullptr, "MailOriginStateDir");
      note(settings_.user != nullptr, "MailOriginUser");
      note(settings_.firewall_user != nullptr, "MailOriginFirewallUser");
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

  // Their units may name others; those that come with them are nobody else's in any case.
  void check_users_of_units() {
    Users& users = users_of(pool_);
    if (users.uid_of(default_user)) own_user("MO0102: MailOriginUser", default_user);
    if (users.uid_of(default_firewall_user)) {
      own_user("MO0124: MailOriginFirewallUser", default_firewall_user);
    }
  }

  void check_firewall(std::uint32_t daemon_user) {
    const DaemonSettings& settings = configuration_.daemon;
    const std::string program = settings.firewall_program();
    if (!is_program(program)) {
      faults_.add("MO0123: MailOriginFirewall: " + program +
                  " is not a program; it belongs beside mailorigind (MailOriginDaemon)");
    }
    const auto user = own_user("MO0124: MailOriginFirewallUser", settings.firewall_user);
    if (user == daemon_user) {
      faults_.add("MO0124: MailOriginFirewallUser: '" + settings.firewall_user +
                  "' is MailOriginUser as well, whose process talks to tenants");
    }
  }

  // The uid, if nothing else runs as that user.
  std::optional<std::uint32_t> own_user(const std::string& directive, const std::string& name) {
    const auto user = parse_user(name, users_of(pool_));
    if (!user) {
      faults_.add(directive + ": " + user.error().message);
      return std::nullopt;
    }
    const auto refuse = [&](const std::string& other) {
      faults_.add(directive + ": '" + name + "' is " + other +
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

  void check_socket(const SocketDirective& socket, const std::string& directive) {
    for (const std::string& own :
         {configuration_.daemon.control_path(), configuration_.daemon.runtime_directory + "/key"}) {
      if (socket.path == own) {
        faults_.add(directive + ": '" + own + "' is needed for another purpose");
      }
    }
    const std::string& made_at_start = configuration_.daemon.runtime_directory;
    if (socket.path.substr(0, socket.path.rfind('/')) == made_at_start &&
        !is_there(made_at_start)) {
      return;
    }
    if (const Status checked = check_socket_path(socket.path); !checked) {
      faults_.add(directive + ": '" + socket.path + "': " + checked.error().message);
    }
  }

  // MailOriginLog: what would stop httpd at a reload, and where root must not write.
  void check_logs() {
    if (geteuid() != 0) return;  // whose httpd -t cannot see what root can
    const Policy& policy = configuration_.policy;
    LogFiles files(trusted_groups(policy));
    for (std::size_t i = 0; i < policy.targets.size(); i++) {
      if (policy.targets[i].kind != LogTarget::Kind::file) continue;
      const Status checked = files.check(policy.targets[i].name);
      if (checked) continue;
      faults_.add("MO0128: MailOriginLog (" + configuration_.log_places[i].text() + "): '" +
                  policy.targets[i].name + "': " + checked.error().message);
    }
  }

  // Of what their user sends without a request, nothing says which port's it is.
  void check_sites() {
    if (ap_state_query(AP_SQ_RUN_MODE) != AP_SQ_RM_CONFIG_TEST) return;
    std::unordered_map<std::string_view, std::vector<const VhostPolicy*>> ports_of_site;
    for (const VhostPolicy& vhost : configuration_.policy.vhosts) {
      auto& ports = ports_of_site[vhost.site.empty() ? vhost.name : vhost.site];
      if (vhost.run_as) {
        for (const VhostPolicy* port : ports) {
          if (port->run_as == vhost.run_as) compare(*port, vhost);
        }
      }
      ports.push_back(&vhost);
    }
  }

  // Two ports of a site that run as the same user.
  void compare(const VhostPolicy& one, const VhostPolicy& other) {
    const std::string different = differences(rules_of(one), rules_of(other));
    if (different.empty()) return;
    configuration_.warnings.push_back(
        "MO0139: " + one.name + " and " + other.name + " are one site, and differ in " + different +
        ": what its user sends without a request (cron, a shell) is under the stricter of both");
  }

  // MailOriginMilter
  void check_milter() {
    const DaemonSettings& daemon = configuration_.daemon;
    if (daemon.milter.empty()) return;
    if (!configuration_.policy.queue.milter_uid) {
      faults_.add("MO0141: MailOriginMilterUser: there is no user '" + daemon.milter_user +
                  "'; make it, or name another one");
    }
    if (daemon.milter.starts_with("inet:")) {
      configuration_.warnings.push_back(
          "MO0142: MailOriginMilter: everybody on this machine can connect to " + daemon.milter +
          "; the milter closes all connections but the mail server's, and a socket's file is "
          "safer");
    } else if (const Status checked = check_milter_path(daemon.milter); !checked) {
      faults_.add("MO0143: MailOriginMilter: '" + daemon.milter + "': " + checked.error().message);
    }
    if (daemon.external) return;
    if (!is_program(daemon.milter_program())) {
      faults_.add("MO0144: MailOriginMilter: " + daemon.milter_program() + " is not a program");
    }
  }

  // Its directory is made if it is missing.
  static Status check_milter_path(const std::string& path) {
    const std::string directory = path.substr(0, path.rfind('/'));
    const bool is_there = access(directory.c_str(), F_OK) == 0;
    return check_socket_path(is_there || directory.empty() ? path : directory);
  }

  void check_holding() {
    const Policy& policy = configuration_.policy;
    const auto holding = policy.that_may_hold();
    if (policy.queue.is_asked_about() || holding.empty()) return;
    std::string who = holding.front()->name;
    if (holding.size() > 1) who += " and " + std::to_string(holding.size() - 1) + " more";
    configuration_.warnings.push_back(
        "MO0131: " + who +
        ": hold is deny here (reason no-hold): no mail server is told to hold anything");
  }

  void check_descriptors() {
    rlimit limit{};
    // A reload opens them beside those that are open, until the daemon has the new ones.
    const std::size_t needed = 2 * descriptors_needed(configuration_.policy) + other_descriptors;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || needed <= limit.rlim_cur) return;
    faults_.add(
        "MO0103: MailOriginLog: " +
        counted(configuration_.policy.targets.size(), "target needs", "different targets need") +
        ' ' + std::to_string(needed) + " file descriptors at a reload, and RLIMIT_NOFILE allows " +
        std::to_string(limit.rlim_cur) +
        ": raise it (APACHE_ULIMIT_MAX_FILES in /etc/apache2/envvars, ulimit -n, "
        "LimitNOFILE= in httpd's unit), or log to one file, whose lines name their site");
  }

  void check_secrecy() {
    if (ap_coredumpdir_configured != 0) {
      configuration_.warnings.emplace_back(
          "MO0108: CoreDumpDirectory is set: a core of httpd contains the key that origins are "
          "sealed with");
    }
    const std::string module = module_for_code_of_htaccess(configuration_.main_server);
    if (module.empty()) return;
    configuration_.warnings.push_back(
        "MO0140: " + module +
        " is loaded, and AllowOverride lets .htaccess name code for it, which runs inside httpd, "
        "beside the key that origins are sealed with: whoever may write one can forge them all");
  }

  apr_pool_t* pool_;
  Configuration& configuration_;
  const ServerSettings& settings_;
  Faults& faults_;
};

}  // namespace

void check_configuration(apr_pool_t* pool, Configuration& configuration, Faults& faults) {
  Checks(pool, configuration, faults).check();
}

}  // namespace mailorigin::httpd
