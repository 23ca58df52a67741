// The sockets that httpd listens on for a daemon that it starts itself. They
// outlive the daemon and httpd's restarts: a question never meets a closed door.
#pragma once

#include <string>
#include <vector>

#include "core/result.h"
#include "mod_mailorigin/companion_process.h"
#include "mod_mailorigin/daemon_settings.h"
#include "mod_mailorigin/kept.h"

namespace mailorigin::httpd {

// Makes `kept` hold the sockets that `settings` asks for, and the lifeline;
// those that it holds already stay as they are. Creates the runtime directory.
// True if something changed. Waits some seconds for a daemon of an httpd that
// died to let go of the control socket, and fails if somebody keeps it.
Result<bool> ensure_sockets(Kept& kept, const DaemonSettings& settings);

// For httpd -t: whether ensure_sockets() would find somebody else than `httpd`, the
// one that runs with this configuration (0: none), at the control socket.
Status check_listener(const std::string& control_path, pid_t httpd);

// What the processes are handed of it.
std::vector<Handed> handed_to_daemon(const Kept& kept);
// To the firewall, and to the milter.
std::vector<Handed> handed_lifeline(const Kept& kept);

// Creates the runtime directory (0711) unless it is there.
Status ensure_runtime_directory(const std::string& directory);

// Closes all and removes their files.
void remove_sockets(Kept& kept);

// In a child of httpd: closes all but the write end of the lifeline.
void drop_sockets_in_child(Kept& kept);

}  // namespace mailorigin::httpd
