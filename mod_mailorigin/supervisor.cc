#include "mod_mailorigin/supervisor.h"

#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "core/context.h"
#include "core/counted.h"
#include "core/policy_in_memory.h"
#include "core/unix_socket.h"
#include "mod_mailorigin/key_file.h"
#include "mod_mailorigin/logs.h"
#include "mod_mailorigin/push.h"
#include "mod_mailorigin/sockets.h"

namespace mailorigin::httpd {

namespace {

CompanionSettings daemon_companion(const DaemonSettings& settings, const Kept& kept) {
  return {"mailorigind",
          "mailorigind.socket",
          settings.external,
          {settings.program,
           {"--user", settings.user, "--state-dir", settings.state_directory, "--runtime-dir",
            settings.runtime_directory}},
          settings.control_path(),
          [&kept] { return handed_to_daemon(kept); },
          [] { return true; }};
}

CompanionSettings firewall_companion(const DaemonSettings& settings, const Kept& kept,
                                     std::function<bool()> is_needed) {
  return {"mailorigin-firewall",
          "mailorigin-firewall.service",
          settings.external,
          {settings.firewall_program(),
           {"--user", settings.firewall_user, "--daemon-user", settings.user, "--state-dir",
            settings.firewall_state_directory(), "--runtime-dir", settings.runtime_directory}},
          settings.firewall_path(),
          [&kept] { return handed_lifeline(kept); },
          std::move(is_needed)};
}

std::string octal(mode_t mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode));
  return text;
}

// It takes no policy: it asks the daemon.
CompanionSettings milter_companion(const DaemonSettings& settings, const Kept& kept) {
  Program program{
      settings.milter_program(),
      {"--listen", settings.milter, "--mode", octal(settings.milter_mode), "--user",
       settings.milter_user, "--mail-user", settings.mail_server_user, "--daemon-socket",
       settings.sockets.front().path, "--on-failure", settings.milter_on_failure}};
  if (!settings.mail_log.empty()) {
    program.arguments.insert(program.arguments.end(), {"--mail-log", settings.mail_log});
  }
  return {"mailorigin-milter",
          "mailorigin-milter.service",
          settings.external,
          std::move(program),
          "",
          [&kept] { return handed_lifeline(kept); },
          [] { return true; }};
}

}  // namespace

Supervisor::Supervisor(apr_pool_t* pool, Configuration& configuration, Kept& kept)
    : configuration_(configuration),
      kept_(kept),
      daemon_(pool, configuration.main_server, daemon_companion(configuration.daemon, kept),
              kept.daemon, kept.daemon_state),
      firewall_(
          pool, configuration.main_server,
          firewall_companion(configuration.daemon, kept, [this] { return firewall_is_needed(); }),
          kept.firewall, kept.firewall_state),
      milter_(pool, configuration.main_server, milter_companion(configuration.daemon, kept),
              kept.milter, kept.milter_state) {}

Status Supervisor::start() {
  if (geteuid() != 0) {
    return Error{"httpd must be started as root: MailOrigin's key and sockets are root's"};
  }
  kept_.parent = getpid();
  const DaemonSettings& settings = configuration_.daemon;
  if (Status made = ensure_runtime_directory(settings.runtime_directory); !made) return made;
  if (Status checked = check_socket_path(settings.control_path()); !checked) {
    return checked.error().context("MailOriginRuntimeDir");
  }
  if (Status read = read_key(); !read) return read;

  const Policy& policy = configuration_.policy;
  firewall_mode_ = policy.firewall.mode;
  auto encoded = policy_in_memory(policy);
  if (!encoded) return encoded.error();
  policy_ = *std::move(encoded);
  auto counts = RequestCounts::make(configuration_.vhost_ids);
  if (!counts) return counts.error();
  configuration_.request_counts = *std::move(counts);
  const PolicyToPush push{{policy.instance, *kept_.keys, boottime_now_ns()},
                          policy_.get(),
                          log_descriptors(kept_.logs),
                          configuration_.request_counts->fd(),
                          counted(policy.vhosts.size(), "virtual host") + ", " +
                              counted(policy.targets.size(), "log target")};
  configuration_.policy = {};
  // Ten thousand hosts' strings, that httpd's children would have a share of.
  malloc_trim(0);

  const auto changed = prepare_sockets();
  if (!changed) return changed.error();
  // The firewall first: the daemon looks for it when it has the policy.
  if (Status started = start_firewall(push); !started) return started;
  if (Status started = daemon_.start(push, *changed); !started) return started;
  if (Status started = start_milter(push); !started) return started;
  close_former_logs(kept_);
  return Done{};
}

// MailOriginMilter; where it is a unit, that knows by itself.
bool Supervisor::milter_is_ours() const {
  return !configuration_.daemon.milter.empty() && !configuration_.daemon.external;
}

Status Supervisor::start_milter(const PolicyToPush& policy) {
  if (milter_is_ours()) return milter_.start(policy, false);
  milter_.stop();
  return Done{};
}

Status Supervisor::read_key() {
  const auto key = load_or_make_key(configuration_.daemon.runtime_directory);
  if (!key) return key.error().context("MailOriginRuntimeDir");
  if (!kept_.keys) {
    kept_.keys = KeyRing{*key, std::nullopt};
  } else if (kept_.keys->current.bytes() != key->bytes()) {
    // Somebody removed the file: contexts of the old key go on being accepted.
    kept_.keys = KeyRing{*key, kept_.keys->current};
  }
  configuration_.keys = &*kept_.keys;
  return Done{};
}

// True if they are not those that a running daemon has.
Result<bool> Supervisor::prepare_sockets() {
  if (!configuration_.daemon.external) return ensure_sockets(kept_, configuration_.daemon);
  daemon_.stop();
  remove_sockets(kept_);
  return false;
}

// Off is something to be told as well, to a firewall that stands from before.
Status Supervisor::start_firewall(const PolicyToPush& policy) {
  if (!firewall_is_needed() && !configuration_.daemon.external) return Done{};
  PolicyToPush without_logs = policy;
  without_logs.descriptors.clear();
  without_logs.request_counts = -1;
  without_logs.summary = "MailOriginFirewall " + std::string(firewall_mode_name(firewall_mode_));
  Status started = firewall_.start(std::move(without_logs), false);
  stop_firewall_that_is_off();
  return started;
}

// Whether it has something to do: to enforce, or to take out what was enforced before.
bool Supervisor::firewall_is_needed() const {
  const DaemonSettings& daemon = configuration_.daemon;
  const std::string policy = kept_policy(daemon.firewall_state_directory());
  return firewall_mode_ != FirewallMode::off || kept_.firewall > 0 ||
         (daemon.has_firewall_state && access(policy.c_str(), F_OK) == 0);
}

void Supervisor::stop_firewall_that_is_off() {
  if (firewall_mode_ == FirewallMode::off && firewall_.has_policy()) firewall_.stop();
}

void Supervisor::tend() {
  daemon_.tend();
  if (milter_is_ours()) milter_.tend();
  // A unit may come later than httpd, with the policy of the last boot.
  if (firewall_is_needed() || configuration_.daemon.external) firewall_.tend();
  stop_firewall_that_is_off();
}

void Supervisor::drop_in_child() {
  daemon_.drop_in_child();
  milter_.drop_in_child();
  firewall_.drop_in_child();
  policy_.reset();
  configuration_.request_counts->close_descriptor();
  drop_sockets_in_child(kept_);
  drop_logs_in_child(kept_.logs);
}

void Supervisor::finish() {
  milter_.stop();
  daemon_.stop();
  // What it has loaded stays in force.
  firewall_.stop();
  if (!configuration_.daemon.external) remove_sockets(kept_);
  finish_logs(kept_);
}

}  // namespace mailorigin::httpd
