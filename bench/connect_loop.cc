// The program whose connect(2), or fork(2), is measured: as root, it listens on two
// ports of its own, registers a page as a PHP worker would, and then measures what each
// line on its standard input asks for:
//
//   connect PORT COUNT CONTEXT...   COUNT connections, the contexts in turn (hexadecimal)
//   fork COUNT                      COUNT processes that end at once
//
// The connections are those of UIDS users in turn, from UID on: of one user's alone, the
// firewall would record few.
//
// and answers with the median in nanoseconds and the last errno value.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "core/abi/layout.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* address = "192.0.2.1";

sockaddr_in to(const char* host, int port) {
  sockaddr_in made{};
  made.sin_family = AF_INET;
  made.sin_port = htons(static_cast<std::uint16_t>(port));
  inet_pton(AF_INET, host, &made.sin_addr);
  return made;
}

// The same process accepts: waking another would be most of what is measured.
int listen_on(int port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int yes = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const sockaddr_in here = to(address, port);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0 ||
      listen(listener, 4096) != 0) {
    std::perror("listen");
    std::exit(1);
  }
  return listener;
}

mo_page* registered_page() {
  auto* page = static_cast<mo_page*>(
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  std::memset(page, 0, sizeof *page);
  const auto number = reinterpret_cast<std::uintptr_t>(page) / 4096;
  for (unsigned part = 0; part < mo_registration_parts; part++) {
    const int udp = socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in where = to("0.0.0.0", static_cast<int>(number >> 16 * part & 0xffff));
    where.sin_addr.s_addr = htonl(mo_registration_address + part);
    (void)connect(udp, reinterpret_cast<const sockaddr*>(&where), sizeof where);
    close(udp);
  }
  return page;
}

void publish(mo_page& page, const std::string& context) {
  __atomic_store_n(&page.sequence, page.sequence + 1, __ATOMIC_RELEASE);
  std::memcpy(page.origin.bytes, context.data(), context.size());
  page.origin.context_size = static_cast<std::uint16_t>(context.size());
  __atomic_store_n(&page.sequence, page.sequence + 1, __ATOMIC_RELEASE);
}

std::string from_hexadecimal(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

template <class Action>
long median_of(int count, Action action) {
  std::vector<long> times;
  for (int i = 0; i < count; i++) times.push_back(action(i));
  std::nth_element(times.begin(), times.begin() + count / 2, times.end());
  return times[static_cast<std::size_t>(count / 2)];
}

long since(Clock::time_point began) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - began).count();
}

// Not for good: the next connection is another user's.
void become(uid_t uid) {
  if (setresuid(0, 0, 0) != 0 || setresuid(uid, uid, 0) != 0) {
    std::perror("setresuid");
    std::exit(1);
  }
}

}  // namespace

int main(int count, char* arguments[]) {
  if (count != 5) return 2;
  const auto first_uid = static_cast<uid_t>(std::atoi(arguments[1]));
  const auto uids = static_cast<uid_t>(std::atoi(arguments[2]));
  const int first_port = std::atoi(arguments[3]);
  const int listeners[] = {listen_on(first_port), listen_on(std::atoi(arguments[4]))};
  mo_page* page = registered_page();
  if (setresgid(first_uid, first_uid, first_uid) != 0) return 1;
  uid_t turn = 0;
  become(first_uid);

  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string what;
    words >> what;
    int last = 0;
    long median = 0;
    if (what == "connect") {
      int port = 0;
      int times = 0;
      words >> port >> times;
      std::vector<std::string> contexts;
      for (std::string context; words >> context;) contexts.push_back(from_hexadecimal(context));
      const sockaddr_in there = to(address, port);
      median = median_of(times, [&](int i) {
        if (!contexts.empty())
          publish(*page, contexts[static_cast<std::size_t>(i) % contexts.size()]);
        become(first_uid + turn++ % uids);
        const int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const linger at_once{1, 0};  // no TIME_WAIT, or the ports would run out
        setsockopt(tcp, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        const auto began = Clock::now();
        last =
            connect(tcp, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0 ? 0 : errno;
        const long spent = since(began);
        close(tcp);
        close(accept(listeners[port == first_port ? 0 : 1], nullptr, nullptr));
        return spent;
      });
    } else {
      int times = 0;
      words >> times;
      median = median_of(times, [&](int) {
        const auto began = Clock::now();
        const pid_t child = fork();
        if (child == 0) _exit(0);
        waitpid(child, nullptr, 0);
        return since(began);
      });
    }
    std::printf("%ld %d\n", median, last);
    std::fflush(stdout);
  }
}
