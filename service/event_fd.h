// EventFd: wakes a thread that waits in poll() or epoll_wait().
#pragma once

#include <sys/eventfd.h>

#include "core/fd.h"

namespace mailorigin::service {

class EventFd {
 public:
  EventFd() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  [[nodiscard]] int get() const { return fd_.get(); }
  // From any thread.
  void signal() { (void)eventfd_write(fd_.get(), 1); }
  void clear() {
    eventfd_t count;
    (void)eventfd_read(fd_.get(), &count);
  }

 private:
  Fd fd_;
};

}  // namespace mailorigin::service
