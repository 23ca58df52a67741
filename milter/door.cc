#include "milter/door.h"

#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <ctime>
#include <optional>

#include "core/fd.h"
#include "service/connection_owner.h"

namespace mailorigin::milter {

namespace {

std::atomic<uid_t> admitted{0};
std::atomic<bool> has_polled{false};

std::optional<uid_t> peer_of(int socket, const sockaddr_storage& address) {
  if (address.ss_family == AF_UNIX) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
    return peer.uid;
  }
  sockaddr_storage own{};
  sockaddr_storage other{};
  socklen_t own_size = sizeof own;
  socklen_t other_size = sizeof other;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&own), &own_size) != 0 ||
      getpeername(socket, reinterpret_cast<sockaddr*>(&other), &other_size) != 0) {
    return std::nullopt;
  }
  const auto server = service::end_of(reinterpret_cast<const sockaddr*>(&own));
  const auto client = service::end_of(reinterpret_cast<const sockaddr*>(&other));
  if (!server || !client) return std::nullopt;
  const auto owner = service::find_owner(*client, *server);
  return owner ? owner->uid : std::nullopt;
}

}  // namespace

void let_in(uid_t mail_server) { admitted = mail_server; }

bool hears_the_last_word() { return has_polled; }

}  // namespace mailorigin::milter

// Both in libc's place, for this program alone.
extern "C" __attribute__((visibility("default"))) int accept(int listener, sockaddr* address,
                                                             socklen_t* size) {
  mailorigin::Fd peer(accept4(listener, address, size, SOCK_CLOEXEC));
  if (!peer) return -1;
  sockaddr_storage own{};
  socklen_t own_size = sizeof own;
  if (getsockname(peer.get(), reinterpret_cast<sockaddr*>(&own), &own_size) == 0) {
    const auto uid = mailorigin::milter::peer_of(peer.get(), own);
    if (uid && (*uid == 0 || *uid == mailorigin::milter::admitted)) return peer.release();
  }
  peer.reset();
  errno = EINTR;  // the next one is waited for
  return -1;
}

// libmilter takes a connection that has ended for broken, and does not read what came last:
// SMFIC_QUIT, behind which the mail server closes at once. So the end is not told before all has
// been read.
extern "C" __attribute__((visibility("default"))) int poll(pollfd* watched, nfds_t count,
                                                           int timeout_ms) {
  mailorigin::milter::has_polled = true;
  const timespec patience{timeout_ms / 1000, timeout_ms % 1000 * 1'000'000L};
  const int ready = ppoll(watched, count, timeout_ms < 0 ? nullptr : &patience, nullptr);
  for (nfds_t each = 0; ready > 0 && each < count; each++) {
    auto& said = watched[each].revents;
    if ((said & POLLIN) != 0) said = static_cast<short>(said & ~POLLHUP);
  }
  return ready;
}
