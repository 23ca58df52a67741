// ThreadClock: how long this thread has worked, for whom it is to be charged to.
#pragma once

#include <cstdint>

namespace mailorigin::daemon {

// The processor's time alone: on the wall's clock whoever asks while others have the
// processor would pay for them. But that clock is a system call, and the wall's is
// none; so it is read only for what took long on the wall.
class ThreadClock {
 public:
  using Read = std::uint64_t (*)();
  static std::uint64_t wall_ns();
  static std::uint64_t thread_ns();

  // `short_ns`: what takes no longer on the wall was not interrupted.
  explicit ThreadClock(std::uint64_t short_ns, Read wall = wall_ns, Read thread = thread_ns)
      : short_ns_(short_ns), wall_(wall), thread_(thread) {}

  void start() {
    wall_mark_ns_ = wall_();
    thread_mark_ns_ = thread_();
  }

  // Since start(), or the last call.
  std::uint64_t lap() {
    const std::uint64_t now_ns = wall_();
    const std::uint64_t passed_ns = now_ns - wall_mark_ns_;
    wall_mark_ns_ = now_ns;
    if (passed_ns <= short_ns_) {
      thread_mark_ns_ += passed_ns;
      return passed_ns;
    }
    const std::uint64_t worked_ns = thread_();
    const std::uint64_t mark_ns = thread_mark_ns_;
    thread_mark_ns_ = worked_ns;
    return worked_ns > mark_ns ? worked_ns - mark_ns : 0;
  }

 private:
  const std::uint64_t short_ns_;
  const Read wall_;
  const Read thread_;
  std::uint64_t wall_mark_ns_ = 0;
  std::uint64_t thread_mark_ns_ = 0;
};

}  // namespace mailorigin::daemon
