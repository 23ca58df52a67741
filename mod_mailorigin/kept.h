// What outlives a restart of httpd: plain data in process->pool.
//
// A restart unloads this module and loads it anew, perhaps a newer one. So
// nothing here has a constructor, a destructor or a pointer to code, and
// whoever changes the struct changes `kept_layout`.
#pragma once

#include <sys/types.h>

#include <ctime>
#include <optional>

#include "core/key.h"
#include "mod_mailorigin/httpd_api.h"

namespace mailorigin::httpd {

inline constexpr std::size_t question_sockets_limit = 16;

struct KeptSocket {
  int fd;  // -1: none
  mode_t mode;
  ino_t inode;     // of the file, to know it again
  char path[108];  // sockaddr_un's
};

struct KeptPipe {
  const char* name;  // "|command"
  piped_log* log;
};

// The log targets of one configuration, all in one pool.
struct KeptLogs {
  apr_pool_t* pool;           // null: none
  apr_array_header_t* files;  // apr_file_t*, what is written to, in the policy's order
  apr_array_header_t* pipes;  // KeptPipe
};

// Of a process that httpd starts; see Companion.
struct KeptCompanion {
  char* identity;       // malloc()ed: the program's file and its arguments
  time_t start;         // seconds of CLOCK_MONOTONIC at which it begins
  unsigned quick_ends;  // deaths in a row, each soon after a start
  int connection;       // the control connection of the last accepted policy; -1: none
  bool absence_said;
};

inline constexpr unsigned kept_layout = 3;

struct Kept {
  // These stay where they are in every layout (firewall from 2 on, milter from 3 on): a
  // newer module ends the processes of an older one and begins afresh.
  unsigned layout;
  pid_t daemon;    // 0: none
  pid_t firewall;  // 0: none
  pid_t milter;    // 0: none

  pid_t parent;  // httpd's root parent, once it has detached

  std::optional<KeyRing> keys;

  // The listening sockets that the daemon is given.
  KeptSocket control;
  KeptSocket questions[question_sockets_limit];
  KeptSocket exim;
  // A pipe that nobody writes to. All processes of httpd hold the write end,
  // the daemon reads: end of file says that httpd is gone, however it went.
  int lifeline_read;
  int lifeline_write;

  KeptCompanion daemon_state;
  KeptCompanion firewall_state;
  KeptCompanion milter_state;

  // Those of the configuration before stay until the daemon has the new ones.
  KeptLogs logs;
  KeptLogs former_logs;
};

Kept& kept(process_rec* process);

}  // namespace mailorigin::httpd
