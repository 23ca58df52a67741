#include "mod_mailorigin/sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/file.h"
#include "core/unix_socket.h"

namespace mailorigin::httpd {

namespace {

using namespace std::chrono_literals;

constexpr int backlog = SOMAXCONN;
constexpr mode_t control_mode = 0600;
// A daemon that lost its httpd delivers for at most five seconds and ends.
constexpr auto takeover_limit = 7s;
constexpr auto takeover_step = 100ms;

void close_one(KeptSocket& socket) {
  if (socket.fd >= 0) close(socket.fd);
  socket.fd = -1;
}

// Of the file at a path; 0 if there is none.
ino_t inode_at(const char* path) {
  struct stat about {};
  return lstat(path, &about) == 0 ? about.st_ino : 0;
}

void remove_one(KeptSocket& socket) {
  // Somebody else may have put a socket there: mailorigind's unit, started by
  // an administrator who is about to configure `external`.
  if (socket.fd >= 0 && inode_at(socket.path) == socket.inode) unlink(socket.path);
  close_one(socket);
}

bool is(const KeptSocket& socket, const SocketDirective& wanted) {
  return socket.fd >= 0 && wanted.path == socket.path && wanted.mode == socket.mode;
}

Status listen_into(KeptSocket& socket, const SocketDirective& wanted, int type = SOCK_SEQPACKET) {
  auto listening = listen_unix(wanted.path, wanted.mode, backlog, type);
  if (!listening) return listening.error();
  if (wanted.owner && lchown(wanted.path.c_str(), *wanted.owner, static_cast<gid_t>(-1)) != 0) {
    return system_error(wanted.path, errno);
  }
  socket.fd = listening->release();
  socket.mode = wanted.mode;
  // listen_unix() has refused a path that does not fit.
  socket.path[wanted.path.copy(socket.path, sizeof socket.path - 1)] = '\0';
  socket.inode = inode_at(socket.path);
  return Done{};
}

// Of a listening socket, the peer is who called listen().
std::optional<pid_t> listener_at(const std::string& path) {
  const auto connection = connect_unix(path, std::chrono::steady_clock::now());
  if (!connection) return std::nullopt;
  ucred listener{};
  socklen_t size = sizeof listener;
  (void)getsockopt(connection->get(), SOL_SOCKET, SO_PEERCRED, &listener, &size);
  return listener.pid;
}

Error somebody_listens(const std::string& path) {
  return Error{"somebody listens on " + path +
               ": where mailorigind is a unit of its own, use MailOriginDaemon external, or stop "
               "and disable its units; a second httpd needs its own MailOriginRuntimeDir and "
               "MailOriginStateDir"};
}

Status ensure_nobody_listens(const std::string& path) {
  const auto deadline = std::chrono::steady_clock::now() + takeover_limit;
  for (;;) {
    const auto listener = listener_at(path);
    // This very process, where an older layout of Kept has been given up.
    if (!listener || *listener == getpid()) return Done{};
    if (std::chrono::steady_clock::now() > deadline) return somebody_listens(path);
    std::this_thread::sleep_for(takeover_step);
  }
}

Status ensure_lifeline(Kept& kept) {
  if (kept.lifeline_read >= 0) return Done{};
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return system_error("pipe", errno);
  kept.lifeline_read = ends[0];
  kept.lifeline_write = ends[1];
  return Done{};
}

// Ends the sockets that are not wanted; true if there was one.
bool remove_unwanted(Kept& kept, const DaemonSettings& settings) {
  bool removed = false;
  for (KeptSocket& socket : kept.questions) {
    if (socket.fd < 0) continue;
    const bool wanted =
        std::any_of(settings.sockets.begin(), settings.sockets.end(),
                    [&](const SocketDirective& directive) { return is(socket, directive); });
    if (wanted) continue;
    remove_one(socket);
    removed = true;
  }
  return removed;
}

Result<bool> add_missing(Kept& kept, const DaemonSettings& settings) {
  bool added = false;
  for (const SocketDirective& wanted : settings.sockets) {
    if (std::any_of(std::begin(kept.questions), std::end(kept.questions),
                    [&](const KeptSocket& socket) { return is(socket, wanted); })) {
      continue;
    }
    // There is room: unwanted ones are gone, and no more are configured.
    KeptSocket& free_place = *std::find_if(std::begin(kept.questions), std::end(kept.questions),
                                           [](const KeptSocket& socket) { return socket.fd < 0; });
    if (Status listening = listen_into(free_place, wanted); !listening) {
      return listening.error().context("MailOriginSocket");
    }
    added = true;
  }
  return added;
}

// MailOriginEximSocket; true if something changed.
Result<bool> ensure_exim_socket(Kept& kept, const DaemonSettings& settings) {
  const auto& wanted = settings.exim_socket;
  const bool is_there = kept.exim.fd >= 0;
  if (wanted ? is(kept.exim, *wanted) : !is_there) return false;
  remove_one(kept.exim);
  if (!wanted) return true;
  if (const Status listening = listen_into(kept.exim, *wanted, SOCK_STREAM); !listening) {
    return listening.error().context("MailOriginEximSocket");
  }
  return true;
}

}  // namespace

std::vector<Handed> handed_to_daemon(const Kept& kept) {
  std::vector<Handed> handed;
  for (const KeptSocket& socket : kept.questions) {
    if (socket.fd >= 0) handed.push_back({socket.fd, "question"});
  }
  handed.push_back({kept.control.fd, "control"});
  if (kept.exim.fd >= 0) handed.push_back({kept.exim.fd, "exim"});
  handed.push_back({kept.lifeline_read, "lifeline"});
  return handed;
}

std::vector<Handed> handed_lifeline(const Kept& kept) { return {{kept.lifeline_read, "lifeline"}}; }

Status ensure_runtime_directory(const std::string& directory) {
  // Nobody but root lists it: who reads a directory into memory that answers never, as a FUSE file
  // may, keeps its lock, and httpd from making its sockets and from taking them away.
  if (Status made = ensure_directory(directory, 0711); !made) {
    return made.error().context("MailOriginRuntimeDir");
  }
  return Done{};
}

Status check_listener(const std::string& path, pid_t httpd) {
  const auto listener = listener_at(path);
  // That of an httpd that has ended: its daemon is about to end as well.
  const auto has_ended = [&] { return kill(*listener, 0) != 0 && errno == ESRCH; };
  if (!listener || *listener == httpd || has_ended()) return Done{};
  return somebody_listens(path);
}

Result<bool> ensure_sockets(Kept& kept, const DaemonSettings& settings) {
  if (Status made = ensure_runtime_directory(settings.runtime_directory); !made) {
    return made.error();
  }
  if (Status made = ensure_lifeline(kept); !made) return made.error();

  bool changed = false;
  const SocketDirective control{settings.control_path(), control_mode};
  if (!is(kept.control, control)) {
    remove_one(kept.control);
    if (Status free = ensure_nobody_listens(control.path); !free) return free.error();
    if (Status listening = listen_into(kept.control, control); !listening) {
      return listening.error().context("MailOriginRuntimeDir");
    }
    changed = true;
  }
  changed |= remove_unwanted(kept, settings);
  const auto added = add_missing(kept, settings);
  if (!added) return added.error();
  const auto exim_changed = ensure_exim_socket(kept, settings);
  if (!exim_changed) return exim_changed.error();
  return changed || *added || *exim_changed;
}

void remove_sockets(Kept& kept) {
  remove_one(kept.control);
  remove_one(kept.exim);
  for (KeptSocket& socket : kept.questions) remove_one(socket);
}

void drop_sockets_in_child(Kept& kept) {
  close_one(kept.control);
  close_one(kept.exim);
  for (KeptSocket& socket : kept.questions) close_one(socket);
  if (kept.lifeline_read >= 0) close(kept.lifeline_read);
  kept.lifeline_read = -1;
}

}  // namespace mailorigin::httpd
