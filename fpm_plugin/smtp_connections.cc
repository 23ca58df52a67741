#include "fpm_plugin/smtp_connections.h"

#include <dirent.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace mailorigin::php {

namespace {

// This process's descriptors, listed. It is opened before a request is served, and read again
// without a look below /proc/PID: another user can hold the lock of that directory, and whoever
// looks up a name there waits. It is there in a chroot, too.
DIR* descriptors = nullptr;
// What they are below, where they cannot be listed. Its limits as a script may have lowered them
// say nothing, and those that it cannot raise do.
int descriptors_end = 0;

extern "C" void look_at_descriptors() {
  // The parent's, after a fork.
  if (descriptors != nullptr) closedir(descriptors);
  descriptors = opendir("/proc/self/fd");
  constexpr rlim_t most = 1 << 20;  // fs.nr_open, unless an administrator has raised it
  rlimit limit{};
  const bool known = getrlimit(RLIMIT_NOFILE, &limit) == 0;
  descriptors_end = static_cast<int>(known ? std::min(limit.rlim_max, most) : most);
}

// What the firewall lets out carries its packet mark, whatever the port and also while it is
// still connecting; a tenant cannot set or remove one.
bool is_marked(int fd) {
  std::uint32_t mark = 0;
  socklen_t size = sizeof mark;
  return getsockopt(fd, SOL_SOCKET, SO_MARK, &mark, &size) == 0 && mark != 0;
}

void end_if_marked(int fd) {
  if (is_marked(fd)) shutdown(fd, SHUT_RDWR);
}

}  // namespace

void prepare_to_end_smtp_connections() {
  look_at_descriptors();
  // glibc forgets the handler when this library is unloaded.
  pthread_atfork(nullptr, nullptr, look_at_descriptors);
}

void end_smtp_connections() {
  // Without memory of its own: a worker that has none left goes on to its next request, too.
  int listed = 0;
  if (descriptors != nullptr) {
    rewinddir(descriptors);
    for (; const dirent* entry = readdir(descriptors); listed++) {
      if (entry->d_name[0] != '.') end_if_marked(std::atoi(entry->d_name));
    }
  }
  if (listed > 0) return;
  // There was no /proc; or native code has closed what it was listed by.
  for (int fd = 0; fd < descriptors_end; fd++) end_if_marked(fd);
}

void forget_descriptors() {
  if (descriptors != nullptr) closedir(descriptors);
  descriptors = nullptr;
}

}  // namespace mailorigin::php
