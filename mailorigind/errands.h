// Errands: what is done beside the answering thread, one after the other.
#pragma once

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>

#include "core/result.h"

namespace mailorigin::daemon {

// Whoever adds one never waits for those before: a disk may keep them for longer than a question
// may wait. Any thread may add.
class Errands {
 public:
  // `name`: of its thread, of 15 bytes at most.
  explicit Errands(const char* name) : name_(name) {}
  // Waits until all are done.
  ~Errands();
  Errands(const Errands&) = delete;
  Errands& operator=(const Errands&) = delete;

  // Called on a thread that takes what an ordinary process would, and begins with the first one.
  // Fails where there is no thread to be had, or errands_at_once wait already.
  Status add(std::packaged_task<void()> errand);

 private:
  void run();

  const char* const name_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::packaged_task<void()>> waiting_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace mailorigin::daemon
