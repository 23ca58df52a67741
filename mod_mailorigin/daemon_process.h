// One process of mailorigind that httpd starts.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>

#include "core/result.h"
#include "mod_mailorigin/config.h"
#include "mod_mailorigin/kept.h"

namespace mailorigin {

// Tells one daemon from another: its program's file (device, inode, time of
// change) and its arguments. Two equal identities need no replacement.
std::string daemon_identity(const DaemonSettings& settings);

// Forks a child of httpd's root parent that executes the daemon after `delay`,
// with the sockets of `kept` and nothing else of httpd's.
Result<pid_t> start_daemon(const Kept& kept, const DaemonSettings& settings,
                           std::chrono::seconds delay);

// Reaps the process if it has ended: its wait status then.
std::optional<int> ended(pid_t daemon);

// Whether it has ended, without reaping it.
bool has_ended(pid_t daemon);

// How long a daemon has to deliver after SIGTERM: when httpd ends, and when the
// next one is waiting to answer, and delivers from the journal what is left.
inline constexpr std::chrono::milliseconds stop_patience{7000};
inline constexpr std::chrono::milliseconds handover_patience{200};

// SIGTERM, and SIGKILL after `patience`.
void stop_daemon(pid_t daemon, std::chrono::milliseconds patience);

// "exit status 1", "signal 9".
std::string wait_status_text(int status);

// Makes a child's end interrupt the sleep of httpd's parent, until `pool` is
// cleared: a daemon's death is noticed at once instead of within a second.
void wake_up_for_children(apr_pool_t* pool);
void sleep_on_in_child();

}  // namespace mailorigin
