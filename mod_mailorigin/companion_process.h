// One process that httpd's root parent starts.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "mod_mailorigin/httpd_api.h"

namespace mailorigin::httpd {

struct Program {
  std::string path;
  std::vector<std::string> arguments;
};

// A descriptor that it is handed, as systemd hands sockets (LISTEN_FDS).
struct Handed {
  int fd;
  const char* name;
};

// Tells one program from another: its file (device, inode, time of change) and
// its arguments. Two equal identities need no replacement.
std::string identity(const Program& program);

// Forks a child of httpd's root parent that executes the program after `delay`,
// with what it is handed and nothing else of httpd's.
Result<pid_t> start_process(const Program& program, std::vector<Handed> handed,
                            std::chrono::seconds delay);

// Reaps the process if it has ended: its wait status then.
std::optional<int> ended(pid_t process);

// Whether it has ended, without reaping it.
bool has_ended(pid_t process);

// How long one has to finish after SIGTERM: when httpd ends, and when the
// next one is waiting to answer, and delivers from the journal what is left.
inline constexpr std::chrono::milliseconds stop_patience{7000};
inline constexpr std::chrono::milliseconds handover_patience{200};

// SIGTERM, and SIGKILL after `patience`.
void stop_process(pid_t process, std::chrono::milliseconds patience);

// "exit status 1", "signal 9".
std::string wait_status_text(int status);

// Makes a child's end interrupt the sleep of httpd's parent, until `pool` is
// cleared: its death is noticed at once instead of within a second.
void wake_up_for_children(apr_pool_t* pool);
void sleep_on_in_child();

}  // namespace mailorigin::httpd
