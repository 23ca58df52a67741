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
  return (both[1].revents & (POLLERR | POLLHUP)) == 0;
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

std::optional<std::size_t> read_some(int fd, char* into, std::size_t room) {
  for (;;) {
    const ssize_t part = read(fd, into, room);
    if (part >= 0) return static_cast<std::size_t>(part);
    if (errno == EAGAIN) {
      pollfd wait{fd, POLLIN, 0};
      poll(&wait, 1, -1);
    } else if (errno != EINTR) {
      return std::nullopt;
    }
  }
}

bool copy_until_end(int from, int to) {
  bool spliced = true;
  std::array<char, chunk> buffer;
  while (wait_for_more(from, to)) {
    if (spliced) {
      const ssize_t part = splice(from, nullptr, to, nullptr, spliced_at_once, 0);
      if (part == 0) return true;
      if (part > 0 || errno == EINTR || errno == EAGAIN) continue;
      if (errno != EINVAL) return false;
      spliced = false;  // a terminal, say
    }
    const auto length = read_some(from, buffer.data(), buffer.size());
    if (length == 0U) return true;
    if (!length || !write_all(to, {buffer.data(), *length})) return false;
  }
  return false;
}

bool open_standard_streams() {
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++) {
    if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", O_RDWR) != stream) return false;
  }
  return true;
}

void drain(int fd) {
  std::array<char, chunk> buffer;
  while (read_some(fd, buffer.data(), buffer.size()).value_or(0) > 0) {
  }
}

}  // namespace mailorigin::submit
