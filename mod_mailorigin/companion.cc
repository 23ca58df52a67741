#include "mod_mailorigin/companion.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>

#include "mod_mailorigin/push.h"
#include "mod_mailorigin/report.h"

namespace mailorigin::httpd {

namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;

constexpr auto start_limit = 5s;       // for it to take the policy while httpd starts
constexpr auto tend_limit = 1s;        // while it runs: its parent has other work
constexpr auto arrival_step = 20ms;    // between looks for a socket that it makes itself
constexpr time_t quick_end = 10;       // seconds; one that ends within them has not really run
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

extern "C" void companion_event(int reason, void* data, int status) {
  guarded(0, [&] {
    if (reason == APR_OC_REASON_DEATH || reason == APR_OC_REASON_LOST) {
      apr_proc_other_child_unregister(data);
      static_cast<Companion*>(data)->process_ended(status);
    }
    return 0;
  });
}

}  // namespace

Companion::Companion(apr_pool_t* pool, server_rec* main_server, CompanionSettings settings,
                     pid_t& pid, KeptCompanion& kept)
    : pool_(pool),
      main_server_(main_server),
      settings_(std::move(settings)),
      pid_(pid),
      kept_(kept) {}

Status Companion::start(PolicyToPush policy, bool renew) {
  policy_ = std::move(policy);
  kept_.absence_said = false;  // whoever reloads httpd is told again
  if (settings_.external) {
    // The unit may not be there yet: what httpd has started itself hears it, too,
    // before it goes.
    if (pid_ > 0) push(in(start_limit));
    stop();
    push(in(start_limit));
    return Done{};
  }
  if (pid_ > 0) {
    // It may have ended while nobody looked.
    if (const auto status = ended(pid_)) note_end(*status);
  }
  if (pid_ > 0 &&
      (renew || kept_.identity == nullptr || identity(settings_.program) != kept_.identity)) {
    if (Status replaced = replace(); !replaced) return replaced;
  }
  run(in(start_limit));
  wake_up_for_children(pool_);
  return Done{};
}

void Companion::stop() {
  if (pid_ > 0) stop_process(std::exchange(pid_, 0), stop_patience);
}

// The new one waits for the old one's state directory, with the sockets open:
// what is asked in between is answered by it.
Status Companion::replace() {
  const pid_t former = pid_;
  if (Status forked = start_process(); !forked) return forked;
  say(APLOG_NOTICE, std::string("MO0114: ") + settings_.name +
                        " or its arguments have changed: process " + std::to_string(pid_) +
                        " takes over from " + std::to_string(former));
  stop_process(former, handover_patience);
  return Done{};
}

// Until it has the policy, the deadline has passed, or it has ended so often that
// the next is started with a delay, and tend() goes on.
void Companion::run(Deadline deadline) {
  for (;;) {
    if (pid_ == 0) {
      if (const Status forked = start_process(); !forked) {
        say_absent("MO0117: " + forked.error().message);
        return;
      }
    }
    if (kept_.start <= now_seconds() && !push(deadline)) {
      if (const auto status = ended(pid_)) {
        note_end(*status);
        continue;  // a few times: then delay() keeps push() from being called
      }
    }
    watch();
    return;
  }
}

Status Companion::start_process() {
  const seconds wait = delay();
  const auto started = httpd::start_process(settings_.program, settings_.handed(), wait);
  if (!started) return started.error().context(std::string("cannot start ") + settings_.name);
  pid_ = *started;
  kept_.start = now_seconds() + wait.count();
  free(kept_.identity);
  kept_.identity = strdup(identity(settings_.program).c_str());
  return Done{};
}

seconds Companion::delay() const {
  if (kept_.quick_ends <= prompt_starts) return 0s;
  const unsigned doublings = std::min(kept_.quick_ends - prompt_starts - 1, 10U);
  return std::min(seconds(1U << doublings), longest_delay);
}

void Companion::note_end(int status) {
  const bool quick = now_seconds() - kept_.start < quick_end;
  kept_.quick_ends = quick ? kept_.quick_ends + 1 : 0;
  // One that says by itself that it cannot start will not do so at once either.
  if (quick && kept_.connection < 0 && WIFEXITED(status)) {
    kept_.quick_ends = std::max(kept_.quick_ends, prompt_starts + 1);
  }
  const std::string who = std::string(settings_.name) + " (process " + std::to_string(pid_) +
                          ") ended with " + wait_status_text(status);
  pid_ = 0;
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
void Companion::watch() {
  watched_.pid = pid_;
  apr_proc_other_child_register(&watched_, companion_event, this, nullptr, pool_);
}

void Companion::process_ended(int status) {
  if (httpd_is_stopping()) {
    pid_ = 0;
    return;
  }
  note_end(status);
  run(in(tend_limit));
}

void Companion::tend() {
  if (kept_.connection >= 0) {
    std::vector<Notice> notices;
    const bool open = read_notices(kept_.connection, notices);
    write(notices);
    if (!open) close(std::exchange(kept_.connection, -1));
  }
  if (kept_.connection >= 0) return;
  const bool there = settings_.external || (pid_ > 0 && kept_.start <= now_seconds());
  if (there) {
    push(in(tend_limit));
  } else if (pid_ == 0) {
    run(in(tend_limit));  // the fork had failed
  }
}

void Companion::drop_in_child() {
  if (kept_.connection >= 0) close(std::exchange(kept_.connection, -1));
}

// ---- the policy

bool Companion::push(Deadline deadline) {
  if (settings_.control_path.empty()) return has_policy_ = true;
  // One of another unit shows by its answer alone that it is there.
  const auto wait_on = [this] { return settings_.external || !has_ended(pid_); };
  auto pushed = push_while_it_starts(deadline, wait_on);
  if (!pushed) {
    if (!wait_on()) return false;  // its end is reported as such
    if (is_starting() || !settings_.is_needed()) return false;
    say_absent(std::string("MO0111: ") + settings_.name +
               " does not take the policy, and is asked again every few seconds" +
               (settings_.external
                    ? std::string(" (its unit must be running: systemctl enable --now ") +
                          settings_.unit + ")"
                    : "") +
               ": " + pushed.error().message);
    return false;
  }
  write(pushed->notices);
  if (!pushed->refusal.empty()) {
    if (std::exchange(refusal_, pushed->refusal) != pushed->refusal) {
      say(APLOG_ERR, std::string("MO0112: ") + settings_.name + " refuses the policy: " + refusal_);
    }
    return false;
  }
  if (kept_.connection >= 0) close(kept_.connection);
  kept_.connection = pushed->connection.release();
  kept_.absence_said = false;
  refusal_.clear();
  has_policy_ = true;
  say(APLOG_NOTICE,
      std::string("MO0110: ") + settings_.name + " has taken the policy: " + policy_.summary);
  return true;
}

bool Companion::is_starting() const {
  return !settings_.external && now_seconds() - kept_.start < start_limit.count();
}

// One that makes its socket itself needs a moment after its start.
Result<Pushed> Companion::push_while_it_starts(Deadline deadline,
                                               const std::function<bool()>& wait_on) {
  for (;;) {
    auto pushed = push_policy(settings_.control_path, policy_.message, policy_.policy,
                              policy_.descriptors, policy_.request_counts, deadline, wait_on);
    if (pushed || !is_starting() || !wait_on() ||
        std::chrono::steady_clock::now() + arrival_step > deadline) {
      return pushed;
    }
    std::this_thread::sleep_for(arrival_step);
  }
}

void Companion::say_absent(const std::string& text) {
  if (!kept_.absence_said) say(APLOG_ERR, text);
  kept_.absence_said = true;
}

void Companion::write(const std::vector<Notice>& notices) const {
  for (const Notice& notice : notices) say(log_level(notice.level), notice.text);
}

void Companion::say(int level, const std::string& text) const { report(level, main_server_, text); }

}  // namespace mailorigin::httpd
