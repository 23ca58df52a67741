// Poller: epoll, for the thread that answers.
#pragma once

#include <sys/epoll.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/fd.h"

namespace mailorigin::service {

// What a descriptor that became ready is.
enum class Source : std::uint32_t {
  question_listener,
  question,
  control_listener,
  control,
  notices,
  names,
  signals,
  lifeline,
  exim_listener,
  exim,     // a connection of Exim's
  visitor,  // a connection between mailorigind and mailorigin-firewall
};

class Poller {
 public:
  struct Ready {
    Source source;
    int fd;
  };

  // Of what is ready, wait() returns at most `per_turn`, and begins `step` further on each time.
  Poller(std::size_t per_turn, std::size_t step)
      : fd_(epoll_create1(EPOLL_CLOEXEC)), events_(per_turn), step_(step) {}
  [[nodiscard]] bool valid() const { return static_cast<bool>(fd_); }

  // False when the kernel refuses. A descriptor that is closed leaves by itself.
  bool watch(Source source, int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = static_cast<std::uint64_t>(source) << 32 | static_cast<std::uint32_t>(fd);
    return epoll_ctl(fd_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
  }
  // Until it is watched again.
  void leave(int fd) { (void)epoll_ctl(fd_.get(), EPOLL_CTL_DEL, fd, nullptr); }

  // Waits at most `timeout_ms` (-1: without end). Level-triggered. Each time it
  // begins further on in what is ready: epoll gives the same order again, and a
  // turn that does not get to the end would always leave out the same ones.
  const std::vector<Ready>& wait(int timeout_ms) {
    ready_.clear();
    const int count =
        epoll_wait(fd_.get(), events_.data(), static_cast<int>(events_.size()), timeout_ms);
    for (int i = 0; i < count; i++) {
      const std::uint64_t data = events_[static_cast<std::size_t>(i)].data.u64;
      ready_.push_back(
          {static_cast<Source>(data >> 32), static_cast<int>(static_cast<std::uint32_t>(data))});
    }
    if (!ready_.empty()) {
      start_ = (start_ + step_) % ready_.size();
      std::rotate(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(start_),
                  ready_.end());
    }
    return ready_;
  }

 private:
  Fd fd_;
  std::vector<epoll_event> events_;
  const std::size_t step_;
  std::vector<Ready> ready_;
  std::size_t start_ = 0;
};

}  // namespace mailorigin::service
