#include "fpm_plugin/smtp_connections.h"

#include <dirent.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstdlib>
#include <memory>

namespace mailorigin::php {

namespace {

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

void end_smtp_connections() {
  // Without memory of its own: a worker that has none left goes on to its next request, too.
  const std::unique_ptr<DIR, int (*)(DIR*)> descriptors(opendir("/proc/self/fd"), closedir);
  if (descriptors) {
    while (const dirent* entry = readdir(descriptors.get())) {
      if (entry->d_name[0] != '.') end_if_marked(std::atoi(entry->d_name));
    }
    return;
  }
  // In a chroot; or a script has left no descriptor to look with. Its limits say nothing:
  // it may have lowered them below what it has open.
  constexpr int end = 65'536;
  for (int fd = 0; fd < end; fd++) end_if_marked(fd);
}

}  // namespace mailorigin::php
