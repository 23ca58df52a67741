#include "mod_mailorigin/supervisor.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "mod_mailorigin/daemon_process.h"
#include "mod_mailorigin/key_file.h"
#include "mod_mailorigin/logs.h"
#include "mod_mailorigin/push.h"
#include "mod_mailorigin/report.h"
#include "mod_mailorigin/sockets.h"

namespace mailorigin {

namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;

constexpr auto start_limit = 5s;       // for the daemon to take the policy while httpd starts
constexpr auto tend_limit = 1s;        // while it runs: its parent has other work
constexpr time_t quick_end = 10;       // seconds; a daemon that ends within them has not really run
constexpr unsigned prompt_starts = 3;  // quick ends that are answered without a delay
constexpr seconds longest_delay = 8s;

time_t now_seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec;
}

Deadline in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

int log_level(Notice::Level level) {
  switch (level) {
    case Notice::Level::error:
      return APLOG_ERR;
    case Notice::Level::warning:
      return APLOG_WARNING;
    case Notice::Level::notice:
      return APLOG_NOTICE;
    case Notice::Level::info:
      return APLOG_INFO;
  }
  return APLOG_NOTICE;
}

bool httpd_is_stopping() {
  int state = 0;
  return ap_mpm_query(AP_MPMQ_MPM_STATE, &state) == APR_SUCCESS && state == AP_MPMQ_STOPPING;
}

extern "C" void daemon_event(int reason, void* data, int status) {
  guarded(0, [&] {
    if (reason == APR_OC_REASON_DEATH || reason == APR_OC_REASON_LOST) {
      apr_proc_other_child_unregister(data);
      static_cast<Supervisor*>(data)->daemon_ended(status);
    }
    return 0;
  });
}

}  // namespace

Supervisor::Supervisor(apr_pool_t* pool, Configuration& configuration, Kept& kept)
    : pool_(pool), configuration_(configuration), kept_(kept) {}

Status Supervisor::start() {
  if (geteuid() != 0) {
    return Error{"httpd must be started as root: MailOrigin's key and sockets are root's"};
  }
  kept_.parent = getpid();
  const DaemonSettings& settings = configuration_.daemon;
  if (Status made = ensure_directory(settings.runtime_directory); !made) {
    return made.error().context("MailOriginRuntimeDir");
  }
  if (Status checked = check_socket_path(settings.control_path()); !checked) {
    return checked.error().context("MailOriginRuntimeDir");
  }
  if (Status read = read_key(); !read) return read;

  message_ = {configuration_.policy.instance, *kept_.keys};
  summary_ = std::to_string(configuration_.policy.vhosts.size()) + " virtual hosts, " +
             std::to_string(configuration_.policy.targets.size()) + " log targets";
  auto policy = policy_in_memory(configuration_.policy);
  if (!policy) return policy.error();
  policy_ = *std::move(policy);
  configuration_.policy = {};

  if (settings.external) {
    if (kept_.daemon > 0) stop_daemon(std::exchange(kept_.daemon, 0), stop_patience);
    remove_sockets(kept_);
    push(in(start_limit));
  } else if (Status running = ensure_daemon(); !running) {
    return running;
  }
  close_former_logs(kept_);
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

// ---- the daemon's life

Status Supervisor::ensure_daemon() {
  const auto changed = ensure_sockets(kept_, configuration_.daemon);
  if (!changed) return changed.error();
  if (kept_.daemon > 0) {
    // It may have ended while nobody looked.
    if (const auto status = ended(kept_.daemon)) note_end(*status);
  }
  if (kept_.daemon > 0 && (*changed || kept_.daemon_identity == nullptr ||
                           daemon_identity(configuration_.daemon) != kept_.daemon_identity)) {
    if (Status replaced = replace_daemon(); !replaced) return replaced;
  }
  run_daemon(in(start_limit));
  wake_up_for_children(pool_);
  return Done{};
}

// The new one waits for the old one's state directory, with the sockets open:
// what is asked in between is answered by it.
Status Supervisor::replace_daemon() {
  const pid_t former = kept_.daemon;
  if (Status forked = fork_daemon(); !forked) return forked;
  say(APLOG_NOTICE, "MO0114: mailorigind or its arguments have changed: process " +
                        std::to_string(kept_.daemon) + " takes over from " +
                        std::to_string(former));
  stop_daemon(former, handover_patience);
  return Done{};
}

// Until a daemon has the policy, the deadline has passed, or one has ended so
// often that the next is started with a delay, and tend() goes on.
void Supervisor::run_daemon(Deadline deadline) {
  for (;;) {
    if (kept_.daemon == 0) {
      if (const Status forked = fork_daemon(); !forked) {
        say_absent("MO0117: " + forked.error().message);
        return;
      }
    }
    if (kept_.daemon_start <= now_seconds() && !push(deadline)) {
      if (const auto status = ended(kept_.daemon)) {
        note_end(*status);
        continue;  // a few times: then delay() keeps push() from being called
      }
    }
    watch_daemon();
    return;
  }
}

Status Supervisor::fork_daemon() {
  const seconds wait = delay();
  const auto started = start_daemon(kept_, configuration_.daemon, wait);
  if (!started) return started.error().context("cannot start mailorigind");
  kept_.daemon = *started;
  kept_.daemon_start = now_seconds() + wait.count();
  free(kept_.daemon_identity);
  kept_.daemon_identity = strdup(daemon_identity(configuration_.daemon).c_str());
  return Done{};
}

seconds Supervisor::delay() const {
  if (kept_.quick_ends <= prompt_starts) return 0s;
  const unsigned doublings = std::min(kept_.quick_ends - prompt_starts - 1, 10U);
  return std::min(seconds(1U << doublings), longest_delay);
}

void Supervisor::note_end(int status) {
  const bool quick = now_seconds() - kept_.daemon_start < quick_end;
  kept_.quick_ends = quick ? kept_.quick_ends + 1 : 0;
  // One that says by itself that it cannot start will not do so at once either.
  if (quick && kept_.connection < 0 && WIFEXITED(status)) {
    kept_.quick_ends = std::max(kept_.quick_ends, prompt_starts + 1);
  }
  const std::string who = "mailorigind (process " + std::to_string(kept_.daemon) + ") ended with " +
                          wait_status_text(status);
  kept_.daemon = 0;
  if (kept_.connection >= 0) close(std::exchange(kept_.connection, -1));
  if (kept_.quick_ends <= prompt_starts) {
    say(APLOG_ERR, "MO0115: " + who + "; it is started again");
  } else if (!kept_.absence_said) {
    say_absent("MO0116: " + who +
               " soon after its start; from now on it is tried every few seconds, which is not "
               "said each time");
  }
}

// So that httpd's parent tells us when it ends.
void Supervisor::watch_daemon() {
  watched_.pid = kept_.daemon;
  apr_proc_other_child_register(&watched_, daemon_event, this, nullptr, pool_);
}

void Supervisor::daemon_ended(int status) {
  if (httpd_is_stopping()) {
    kept_.daemon = 0;
    return;
  }
  note_end(status);
  run_daemon(in(tend_limit));
}

void Supervisor::tend() {
  if (kept_.connection >= 0) {
    std::vector<Notice> notices;
    const bool open = read_notices(kept_.connection, notices);
    write(notices);
    if (!open) close(std::exchange(kept_.connection, -1));
  }
  if (kept_.connection >= 0) return;
  const bool there =
      configuration_.daemon.external || (kept_.daemon > 0 && kept_.daemon_start <= now_seconds());
  if (there) {
    push(in(tend_limit));
  } else if (kept_.daemon == 0) {
    run_daemon(in(tend_limit));  // the fork had failed
  }
}

void Supervisor::drop_in_child() {
  if (kept_.connection >= 0) close(std::exchange(kept_.connection, -1));
  policy_.reset();
  drop_sockets_in_child(kept_);
  drop_logs_in_child(kept_.logs);
}

void Supervisor::finish() {
  if (kept_.daemon > 0) stop_daemon(std::exchange(kept_.daemon, 0), stop_patience);
  if (!configuration_.daemon.external) remove_sockets(kept_);
  finish_logs(kept_);
}

// ---- the policy

bool Supervisor::push(Deadline deadline) {
  // A daemon of another unit shows by its answer alone that it is there.
  const auto wait_on = [this] {
    return configuration_.daemon.external || !has_ended(kept_.daemon);
  };
  auto pushed = push_policy(configuration_.daemon.control_path(), message_, policy_.get(),
                            log_descriptors(kept_.logs), deadline, wait_on);
  if (!pushed) {
    if (!wait_on()) return false;  // its end is reported as such
    say_absent(
        "MO0111: mailorigind does not take the policy, and is asked again every few seconds" +
        std::string(configuration_.daemon.external
                        ? " (its unit must be running: systemctl status mailorigind.socket)"
                        : "") +
        ": " + pushed.error().message);
    return false;
  }
  write(pushed->notices);
  if (!pushed->refusal.empty()) {
    say_absent("MO0112: mailorigind refuses the policy: " + pushed->refusal);
    return false;
  }
  if (kept_.connection >= 0) close(kept_.connection);
  kept_.connection = pushed->connection.release();
  kept_.absence_said = false;
  say(APLOG_NOTICE, "MO0110: mailorigind has taken the policy: " + summary_);
  return true;
}

void Supervisor::say_absent(const std::string& text) {
  if (!kept_.absence_said) say(APLOG_ERR, text);
  kept_.absence_said = true;
}

void Supervisor::write(const std::vector<Notice>& notices) const {
  for (const Notice& notice : notices) say(log_level(notice.level), notice.text);
}

void Supervisor::say(int level, const std::string& text) const {
  report(level, configuration_.main_server, text);
}

}  // namespace mailorigin
