#include "mailorigind/errands.h"

#include <string>
#include <system_error>
#include <utility>

#include "mailorigind/limits.h"
#include "service/thread_share.h"

namespace mailorigin::daemon {

Errands::~Errands() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

Status Errands::add(std::packaged_task<void()> errand) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= errands_at_once) {
      return Error{std::to_string(errands_at_once) + " others wait for the disk already"};
    }
    if (!thread_.joinable()) {
      try {
        thread_ = std::thread([this] { run(); });
      } catch (const std::system_error& fault) {
        return Error{"there is no thread for it: " + std::string(fault.what())};
      }
    }
    waiting_.push_back(std::move(errand));
  }
  changed_.notify_one();
  return Done{};
}

void Errands::run() {
  service::name_thread(name_);
  service::stand_aside();
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return over_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::packaged_task<void()> next = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    next();
    next = {};  // what it holds may be large
    lock.lock();
  }
}

}  // namespace mailorigin::daemon
