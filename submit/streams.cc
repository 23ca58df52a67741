#include "submit/streams.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace mailorigin::submit {

namespace {

constexpr std::size_t chunk = 65'536;
constexpr std::size_t spliced_at_once = 1 << 20;

// False where the reader of `to` has gone while there was nothing to read.
bool wait_for_more(int from, int to) {
  std::array<pollfd, 2> both = {{{from, POLLIN, 0}, {to, 0, 0}}};
  while (poll(both.data(), both.size(), -1) < 0 && errno == EINTR) {
  }
  return (both[1].revents & POLLERR) == 0;
}

}  // namespace

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t part = write(fd, bytes.data(), bytes.size());
    if (part < 0 && errno == EINTR) continue;
    if (part < 0 && errno == EAGAIN) {  // the caller's end may be shared and not block
      pollfd wait{fd, POLLOUT, 0};
      poll(&wait, 1, -1);
      continue;
    }
    if (part <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(part));
  }
  return true;
}

std::size_t read_some(int fd, char* into, std::size_t room) {
  for (;;) {
    const ssize_t part = read(fd, into, room);
    if (part >= 0) return static_cast<std::size_t>(part);
    if (errno == EAGAIN) {
      pollfd wait{fd, POLLIN, 0};
      poll(&wait, 1, -1);
    } else if (errno != EINTR) {
      return 0;
    }
  }
}

void copy_until_end(int from, int to) {
  bool spliced = true;
  std::array<char, chunk> buffer;
  while (wait_for_more(from, to)) {
    if (spliced) {
      const ssize_t part = splice(from, nullptr, to, nullptr, spliced_at_once, 0);
      if (part == 0) return;
      if (part > 0 || errno == EINTR || errno == EAGAIN) continue;
      if (errno != EINVAL) return;
      spliced = false;  // a terminal, say
    }
    const std::size_t length = read_some(from, buffer.data(), buffer.size());
    if (length == 0 || !write_all(to, {buffer.data(), length})) return;
  }
}

void drain(int fd) {
  std::array<char, chunk> buffer;
  while (read_some(fd, buffer.data(), buffer.size()) > 0) {
  }
}

}  // namespace mailorigin::submit
