#include "core/unix_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <thread>

namespace mailorigin {

namespace {

constexpr std::size_t descriptors_limit = 253;  // the kernel's SCM_MAX_FD

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error{path + ": a socket's path has at most " +
                 std::to_string(sizeof address.sun_path - 1) + " bytes"};
  }
  std::copy(path.begin(), path.end(), address.sun_path);
  return address;
}

// False when `deadline` passed first.
bool wait_for(int fd, short events, Deadline deadline) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd waiting{fd, events, 0};
    const int ready =
        poll(&waiting, 1, static_cast<int>(std::min<long long>(left.count(), 60'000)));
    if (ready > 0) return true;
    if (ready >= 0 || errno == EINTR) continue;
    // Without memory, or where RLIMIT_NOFILE is 0, poll() does not wait.
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return true;
  }
}

constexpr mode_t others_write = S_IWGRP | S_IWOTH;

// Taking away others' right to a sticky directory would break what it is there for.
Error writable_to_others(const std::string& directory, const struct stat& about) {
  const bool sticky = (about.st_mode & S_ISVTX) != 0;
  return Error{directory + (sticky ? ": others may create files in it; choose another directory"
                                   : ": must be writable to root alone (chmod go-w)")};
}

Status check_directory(const std::string& directory) {
  struct stat about {};
  if (lstat(directory.c_str(), &about) != 0) return system_error(directory, errno);
  if (S_ISLNK(about.st_mode) && about.st_uid == 0) return Done{};  // what it names is checked
  if (!S_ISDIR(about.st_mode)) return Error{directory + ": not a directory"};
  if (about.st_uid != 0) return Error{directory + ": must belong to root"};
  if ((about.st_mode & others_write) != 0 && (about.st_mode & S_ISVTX) == 0) {
    return writable_to_others(directory, about);
  }
  return Done{};
}

}  // namespace

Status check_way(const std::string& directory) {
  if (directory.empty() || directory[0] != '/') {
    return Error{directory + ": must be an absolute path"};
  }
  // The directories as written, then as the kernel resolves them: a symbolic
  // link that a tenant made must not stand anywhere in between.
  char* resolved = realpath(directory.c_str(), nullptr);
  if (resolved == nullptr) return system_error(directory, errno);
  const std::string real(resolved);
  free(resolved);
  for (const std::string& whole : {directory, real}) {
    for (std::size_t end = 0; end != std::string::npos;) {
      end = whole.find('/', end + 1);
      const std::string part = whole.substr(0, end);
      if (const Status checked = check_directory(part.empty() ? "/" : part); !checked) {
        return checked;
      }
    }
  }
  return Done{};
}

Status check_socket_path(const std::string& path) {
  if (path.empty() || path[0] != '/') return Error{path + ": must be an absolute path"};
  if (const auto address = address_of(path); !address) return address.error();
  const std::string directory = path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
  if (const Status checked = check_way(directory); !checked) return checked;
  // In a directory with the sticky bit anybody may still create a file there:
  // good enough on the way (/tmp), not for the socket itself.
  struct stat about {};
  if (stat(directory.c_str(), &about) != 0) return system_error(directory, errno);
  if ((about.st_mode & others_write) != 0) return writable_to_others(directory, about);
  return Done{};
}

Result<Fd> listen_unix(const std::string& path, mode_t mode, int backlog, int type) {
  if (const Status checked = check_socket_path(path); !checked) return checked.error();
  const auto address = address_of(path);
  struct stat about {};
  if (lstat(path.c_str(), &about) == 0) {
    if (!S_ISSOCK(about.st_mode)) return Error{path + ": exists and is not a socket"};
    if (unlink(path.c_str()) != 0) return system_error(path, errno);
  }
  Fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return system_error("socket", errno);
  // Nobody may connect before the mode is what it shall be.
  const mode_t before = umask(0777);
  const int bound =
      bind(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(sockaddr_un));
  const int bind_error = errno;
  umask(before);
  if (bound != 0) return system_error(path, bind_error);
  if (listen(socket.get(), backlog) != 0) return system_error(path, errno);
  if (chmod(path.c_str(), mode) != 0) return system_error(path, errno);
  return socket;
}

Result<Fd> connect_unix(const std::string& path, Deadline deadline, int* fault) {
  const auto failed = [&](std::string_view what, int number) {
    if (fault) *fault = number;
    return system_error(what, number);
  };
  const auto address = address_of(path);
  if (!address) return address.error();
  Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return failed("socket", errno);
  while (connect(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) !=
         0) {
    const int number = errno;
    // EAGAIN is a full backlog, which no poll() announces the end of.
    if (number != EAGAIN && number != EINTR) return failed(path, number);
    if (std::chrono::steady_clock::now() >= deadline) return failed(path, ETIMEDOUT);
    poll(nullptr, 0, 1);
  }
  return socket;
}

std::optional<Peer> accept_peer(int listener) {
  for (;;) {
    Peer peer{Fd(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)), {}};
    if (!peer.socket) return std::nullopt;
    ucred who{};
    socklen_t size = sizeof who;
    if (getsockopt(peer.socket.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) continue;
    peer.credentials = {who.pid, who.uid, who.gid};
    return peer;
  }
}

Status enable_credentials(int socket) {
  const int on = 1;
  if (setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) {
    return system_error("SO_PASSCRED", errno);
  }
  return Done{};
}

bool refuse_descriptors(int socket) {
  constexpr int passrights = 83;  // SO_PASSRIGHTS, which older systems' headers lack
  const int off = 0;
  return setsockopt(socket, SOL_SOCKET, passrights, &off, sizeof off) == 0;
}

Received receive_packet(int socket, Packet& packet, std::size_t limit, Descriptors descriptors) {
  if (packet.buffer.size() < limit) packet.buffer.resize(limit);
  packet.bytes = {};
  packet.sender = {};
  packet.descriptors.clear();
  alignas(cmsghdr) char
      control[CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(descriptors_limit * sizeof(int))];
  iovec part{packet.buffer.data(), limit};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  // Without room for descriptors the kernel drops them, and sets MSG_CTRUNC.
  message.msg_controllen =
      descriptors == Descriptors::taken ? sizeof control : CMSG_SPACE(sizeof(ucred));
  ssize_t length;
  do {
    length = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (length < 0 && errno == EINTR);
  const int fault = errno;
  if (length < 0) {
    if (fault == EAGAIN || fault == EWOULDBLOCK) return Received::nothing_yet;
    return fault == ECONNRESET ? Received::closed : Received::failed;
  }
  for (cmsghdr* part_header = CMSG_FIRSTHDR(&message); part_header != nullptr;
       part_header = CMSG_NXTHDR(&message, part_header)) {
    if (part_header->cmsg_level != SOL_SOCKET) continue;
    if (part_header->cmsg_type == SCM_CREDENTIALS) {
      ucred credentials{};
      std::memcpy(&credentials, CMSG_DATA(part_header), sizeof credentials);
      packet.sender = {credentials.pid, credentials.uid, credentials.gid};
    } else if (part_header->cmsg_type == SCM_RIGHTS) {
      const std::size_t count = (part_header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (std::size_t i = 0; i < count; i++) {
        int fd;
        std::memcpy(&fd, CMSG_DATA(part_header) + i * sizeof fd, sizeof fd);
        packet.descriptors.emplace_back(fd);
      }
    }
  }
  packet.bytes = {packet.buffer.data(), std::min(static_cast<std::size_t>(length), limit)};
  const int cut = descriptors == Descriptors::taken ? MSG_TRUNC | MSG_CTRUNC : MSG_TRUNC;
  if ((message.msg_flags & cut) != 0) return Received::too_long;
  // An empty packet and the end of a SOCK_SEQPACKET connection look alike.
  return length == 0 ? Received::closed : Received::packet;
}

Received receive_packet(int socket, Packet& packet, std::size_t limit, Deadline deadline) {
  for (;;) {
    const Received received = receive_packet(socket, packet, limit);
    if (received != Received::nothing_yet) return received;
    // Whatever came while this process did not run counts as come in time.
    if (!wait_for(socket, POLLIN, deadline)) return receive_packet(socket, packet, limit);
  }
}

Status send_packet(int socket, std::string_view bytes, Deadline deadline,
                   const std::vector<int>& descriptors, int* fault) {
  const auto failed = [&](int number) {
    if (fault) *fault = number;
    return system_error("send", number);
  };
  if (descriptors.size() > descriptors_limit) return Error{"too many descriptors in one packet"};
  alignas(cmsghdr) char control[CMSG_SPACE(descriptors_limit * sizeof(int))] = {};
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!descriptors.empty()) {
    const std::size_t size = descriptors.size() * sizeof(int);
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(size);
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(size);
    std::memcpy(CMSG_DATA(rights), descriptors.data(), size);
  }
  for (;;) {
    if (sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return Done{};
    const int number = errno;
    if (number == EINTR) continue;
    if (number != EAGAIN && number != EWOULDBLOCK) return failed(number);
    if (!wait_for(socket, POLLOUT, deadline)) return failed(ETIMEDOUT);
  }
}

bool is_open(int socket) {
  char byte;
  const ssize_t there = recv(socket, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT);
  return there > 0 || (there < 0 && errno == EAGAIN);
}

bool send_now(int socket, std::string_view bytes) {
  return send(socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

}  // namespace mailorigin
