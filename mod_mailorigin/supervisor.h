// The daemon seen from httpd's root parent: it starts it or finds it, gives it
// the policy, starts it again, and writes its notices to error_log.
#pragma once

#include "core/fd.h"
#include "core/result.h"
#include "core/unix_socket.h"
#include "core/wire.h"
#include "mod_mailorigin/configuration.h"
#include "mod_mailorigin/kept.h"

namespace mailorigin {

// One per configuration, in its pool (pconf); what lasts longer is in Kept.
class Supervisor {
 public:
  // Both outlive it. Takes the policy out of `configuration`.
  Supervisor(apr_pool_t* pool, Configuration& configuration, Kept& kept);

  // At the end of each start and restart. An error stops httpd: without a key
  // or sockets there is nothing to go on with. A daemon that does not come, or
  // is not there, is reported and tried again later.
  Status start();

  // Every few seconds, by httpd's monitor hook.
  void tend();

  // By httpd, when a process that is its child has ended.
  void daemon_ended(int status);

  // In a child of httpd.
  void drop_in_child();

  // When httpd itself ends.
  void finish();

 private:
  Status read_key();
  Status ensure_daemon();
  void run_daemon(Deadline deadline);
  Status replace_daemon();
  Status fork_daemon();
  void note_end(int status);
  void watch_daemon();
  [[nodiscard]] std::chrono::seconds delay() const;

  // True if the daemon has the policy.
  bool push(Deadline deadline);
  void say_absent(const std::string& text);
  void write(const std::vector<Notice>& notices) const;
  void say(int level, const std::string& text) const;

  apr_pool_t* pool_;
  Configuration& configuration_;
  Kept& kept_;
  PolicyMessage message_;
  Fd policy_;
  std::string summary_;  // of the policy, for error_log
  apr_proc_t watched_{};
};

}  // namespace mailorigin
