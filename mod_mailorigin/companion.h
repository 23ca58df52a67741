// A process that httpd's root parent starts, or finds running, and gives the
// policy: mailorigind, and mailorigin-firewall; or that takes none: mailorigin-milter.
// It starts it again when it ends, and writes its notices to error_log.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/unix_socket.h"
#include "core/wire/control.h"
#include "mod_mailorigin/companion_process.h"
#include "mod_mailorigin/kept.h"
#include "mod_mailorigin/push.h"

namespace mailorigin::httpd {

// What one companion is.
struct CompanionSettings {
  const char* name;  // "mailorigind"
  const char* unit;  // of systemd, where httpd does not start it
  bool external = false;
  Program program;
  std::string control_path;  // where it takes the policy; empty: it takes none
  // What it is handed at its start; asked each time.
  std::function<std::vector<Handed>()> handed;
  // Whether there is something for it to do: else its absence is not worth a word.
  std::function<bool()> is_needed;
};

// What a companion is given, as often as it starts anew.
struct PolicyToPush {
  PolicyMessage message;
  int policy = -1;               // a memfd
  std::vector<int> descriptors;  // of the log targets, for who writes logs
  int request_counts = -1;       // for whom PHP asks
  std::string summary;           // for error_log
};

// One per configuration, in its pool (pconf); what lasts longer is in `kept`.
class Companion {
 public:
  // `pid` and `kept` outlive it, as does `main_server`.
  Companion(apr_pool_t* pool, server_rec* main_server, CompanionSettings settings, pid_t& pid,
            KeptCompanion& kept);

  // At the end of each start and restart: has it running with this policy. It is
  // replaced if `renew` says so or its program has changed. One that does not
  // come, or is not there, is reported and tried again by tend().
  Status start(PolicyToPush policy, bool renew);

  // It has taken the policy of start().
  [[nodiscard]] bool has_policy() const { return has_policy_; }

  // Every few seconds, by httpd's monitor hook.
  void tend();

  // By httpd, when a process that is its child has ended.
  void process_ended(int status);

  // In a child of httpd.
  void drop_in_child();

  // Ends the process, if it is one of ours.
  void stop();

 private:
  void run(Deadline deadline);
  Status replace();
  Status start_process();
  void note_end(int status);
  void watch();
  [[nodiscard]] std::chrono::seconds delay() const;

  // True if it has the policy.
  bool push(Deadline deadline);
  [[nodiscard]] bool is_starting() const;  // and may be late for that reason
  Result<Pushed> push_while_it_starts(Deadline deadline, const std::function<bool()>& wait_on);
  void say_absent(const std::string& text);
  void write(const std::vector<Notice>& notices) const;
  void say(int level, const std::string& text) const;

  apr_pool_t* pool_;
  server_rec* main_server_;
  CompanionSettings settings_;
  pid_t& pid_;
  KeptCompanion& kept_;
  PolicyToPush policy_;
  bool has_policy_ = false;
  std::string refusal_;  // the last one that was said
  apr_proc_t watched_{};
};

}  // namespace mailorigin::httpd
