// SOCK_SEQPACKET unix sockets with credentials and descriptors.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/fd.h"
#include "core/result.h"

namespace mailorigin {

// Binds and listens; the file gets `mode` from the start (umask), an older
// socket there is replaced. CLOEXEC, non-blocking. Fails on a path longer than
// sun_path, and unless every directory of the path is root's and writable to
// nobody else: a tenant who can rename the socket could answer in its place. A
// sticky directory (/tmp) is tolerated on the way, not as the socket's own.
// `type` is SOCK_SEQPACKET or SOCK_STREAM.
Result<Fd> listen_unix(const std::string& path, mode_t mode, int backlog,
                       int type = SOCK_SEQPACKET);

// The check alone. The error names the directory and what is wrong with it.
Status check_socket_path(const std::string& path);

// The same for a directory that the way to a socket leads through: all down to
// this one must be there, root's, and sticky if others may write to them.
Status check_way(const std::string& directory);

using Deadline = std::chrono::steady_clock::time_point;

// Connected, CLOEXEC, non-blocking. A full backlog is waited for until `deadline`.
// Where it fails, `fault` is errno's value.
Result<Fd> connect_unix(const std::string& path, Deadline deadline, int* fault = nullptr);

// Nobody's, until somebody's are there.
struct Credentials {
  pid_t pid = 0;  // 0, too, for a process that our pid namespace does not have
  uid_t uid = static_cast<uid_t>(-1);
  gid_t gid = static_cast<gid_t>(-1);
};

struct Peer {
  Fd socket;  // CLOEXEC, non-blocking
  Credentials credentials;
};
// The next connection that waits, with who connected it; nothing if there is none,
// or errno says why.
std::optional<Peer> accept_peer(int listener);

// A received packet and the buffer it stands in, which is kept from one to the next.
struct Packet {
  std::string_view bytes;       // valid until the next receive_packet()
  Credentials sender;           // the kernel's; needs enable_credentials()
  std::vector<Fd> descriptors;  // CLOEXEC

  std::vector<char> buffer;
};

enum class Received { packet, nothing_yet, closed, too_long, failed };

// Makes the kernel attach the sender's credentials to each packet received.
Status enable_credentials(int socket);

// Makes the kernel refuse descriptors that are sent to this socket, and to whatever
// connects to it from now on: the sender gets EPERM. Whoever receives one closes it, also
// where it is dropped unread, and a tenant could send one that blocks who closes it (a
// TCP socket that lingers over what nobody reads). False before Linux 6.16.
bool refuse_descriptors(int socket);

// What becomes of descriptors that come with a packet all the same: where none are
// expected they take no number of this process's.
enum class Descriptors { taken, dropped };

// Never blocks. A packet of more than `limit` bytes is dropped and reported as too_long.
Received receive_packet(int socket, Packet& packet, std::size_t limit,
                        Descriptors descriptors = Descriptors::taken);

// Blocks until a packet is there or the deadline has passed (nothing_yet).
Received receive_packet(int socket, Packet& packet, std::size_t limit, Deadline deadline);

// Waits while the socket is full, until `deadline`. `fault` as for connect_unix().
Status send_packet(int socket, std::string_view bytes, Deadline deadline,
                   const std::vector<int>& descriptors = {}, int* fault = nullptr);

// Whether the other end is open, or has left something to read.
bool is_open(int socket);

// Without waiting: false if the socket is full or nobody is there any more.
bool send_now(int socket, std::string_view bytes);

}  // namespace mailorigin
