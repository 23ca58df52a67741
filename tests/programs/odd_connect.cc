// Opens a TCP connection in ways that scripting languages do not offer, and
// prints the errno value that comes of it: odd_connect WAY ADDRESS PORT
#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace {

struct Destination {
  sockaddr_storage address{};
  socklen_t size = 0;
};

bool parse(const char* text, const char* port, Destination& out) {
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out.address);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.address);
  if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
    out.size = sizeof *v4;
    return true;
  }
  if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1) return false;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  out.size = sizeof *v6;
  return true;
}

msghdr message(Destination& to, iovec& data) {
  msghdr head{};
  head.msg_name = &to.address;
  head.msg_namelen = to.size;
  head.msg_iov = &data;
  head.msg_iovlen = 1;
  return head;
}

// TCP Fast Open by sendmmsg(2).
int by_sendmmsg(int socket, Destination& to) {
  char text[] = "x";
  iovec data{text, 1};
  mmsghdr one{message(to, data), 0};
  return sendmmsg(socket, &one, 1, MSG_FASTOPEN | MSG_NOSIGNAL) == 1 ? 0 : errno;
}

int by_ring(int socket, Destination& to, unsigned setup, unsigned char flags, bool fast_open) {
  io_uring ring;
  const int made = io_uring_queue_init(4, &ring, setup);
  if (made < 0) return -made;
  char text[] = "x";
  iovec data{text, 1};
  msghdr head = message(to, data);
  io_uring_sqe* entry = io_uring_get_sqe(&ring);
  if (fast_open) {
    io_uring_prep_sendmsg(entry, socket, &head, MSG_FASTOPEN | MSG_NOSIGNAL);
  } else {
    io_uring_prep_connect(entry, socket, reinterpret_cast<sockaddr*>(&to.address), to.size);
  }
  entry->flags |= flags;
  io_uring_submit(&ring);
  io_uring_cqe* result = nullptr;
  __kernel_timespec patience{5, 0};
  const int waited = io_uring_wait_cqe_timeout(&ring, &result, &patience);
  const int value = waited < 0 ? waited : result->res;
  io_uring_queue_exit(&ring);
  return value < 0 ? -value : 0;
}

// connect(2) of the 32-bit system call table.
int by_int80(int socket, const Destination& to) {
#if defined(__x86_64__)
  void* low =
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (low == MAP_FAILED) return errno;
  std::memcpy(low, &to.address, to.size);
  constexpr long connect_of_i386 = 362;
  long result = connect_of_i386;
  __asm__ volatile("int $0x80"
                   : "+a"(result)
                   : "b"(static_cast<long>(socket)), "c"(low), "d"(static_cast<long>(to.size))
                   : "memory", "r8", "r9", "r10", "r11");
  const int value = static_cast<int>(result);
  return value < 0 ? -value : 0;
#else
  (void)socket;
  (void)to;
  return ENOSYS;
#endif
}

// AF_SMC opens a TCP connection by itself, perhaps later and in a thread of the kernel's.
int by_smc(Destination& to, int type) {
  const int over_ipv6 = to.address.ss_family == AF_INET6 ? 1 : 0;
  const int socket = ::socket(AF_SMC, type | SOCK_CLOEXEC, over_ipv6);
  if (socket < 0) return errno;
  if (connect(socket, reinterpret_cast<sockaddr*>(&to.address), to.size) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd ended{socket, POLLOUT, 0};
  if (poll(&ended, 1, 5000) != 1) return ETIMEDOUT;
  int result = 0;
  socklen_t size = sizeof result;
  return getsockopt(socket, SOL_SOCKET, SO_ERROR, &result, &size) == 0 ? result : errno;
}

}  // namespace

int main(int count, char* arguments[]) {
  Destination to;
  if (count != 4 || !parse(arguments[2], arguments[3], to)) return 2;
  const int socket = ::socket(to.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const std::string_view way = arguments[1];
  int result = EINVAL;
  if (way == "sendmmsg") result = by_sendmmsg(socket, to);
  if (way == "ring") result = by_ring(socket, to, 0, 0, false);
  if (way == "ring-async") result = by_ring(socket, to, 0, IOSQE_ASYNC, false);
  if (way == "ring-polled") result = by_ring(socket, to, IORING_SETUP_SQPOLL, 0, false);
  if (way == "ring-fast-open") result = by_ring(socket, to, 0, 0, true);
  if (way == "int80") result = by_int80(socket, to);
  if (way == "smc") result = by_smc(to, SOCK_STREAM);
  if (way == "smc-not-blocking") result = by_smc(to, SOCK_STREAM | SOCK_NONBLOCK);
  std::printf("%d\n", result);
  return 0;
}
