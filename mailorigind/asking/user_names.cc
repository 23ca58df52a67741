#include "mailorigind/asking/user_names.h"

#include <pwd.h>

#include <array>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "mailorigind/limits.h"
#include "service/event_fd.h"

namespace mailorigin::daemon {

struct UserNames::Shared {
  Lookup lookup;
  std::mutex mutex;
  std::condition_variable changed;
  bool over = false;
  std::deque<uid_t> wanted;
  std::vector<std::pair<uid_t, std::string>> found;
  service::EventFd ready;
};

std::string UserNames::from_nss(uid_t uid) {
  std::array<char, 16384> buffer;
  passwd entry{};
  passwd* result = nullptr;
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &result) != 0 || result == nullptr) {
    return {};
  }
  return result->pw_name;
}

UserNames::UserNames(Lookup lookup) : shared_(std::make_shared<Shared>()) {
  shared_->lookup = std::move(lookup);
  std::thread([shared = shared_] {
    std::unique_lock lock(shared->mutex);
    for (;;) {
      shared->changed.wait(lock, [&] { return shared->over || !shared->wanted.empty(); });
      if (shared->over) return;
      const uid_t uid = shared->wanted.front();
      shared->wanted.pop_front();
      lock.unlock();
      std::string name = shared->lookup(uid);
      lock.lock();
      shared->found.emplace_back(uid, std::move(name));
      shared->ready.signal();
    }
  }).detach();
}

UserNames::~UserNames() {
  const std::lock_guard lock(shared_->mutex);
  shared_->over = true;
  shared_->changed.notify_one();
}

const std::string& UserNames::name(uid_t uid) const {
  static const std::string none;
  const auto found = entries_.find(uid);
  return found == entries_.end() ? none : found->second.name;
}

bool UserNames::known(uid_t uid, std::uint64_t now_ms) {
  auto found = entries_.find(uid);
  if (found != entries_.end() && found->second.asked_ms + name_lifetime_ms > now_ms) {
    return found->second.known;
  }
  if (found == entries_.end()) {
    if (entries_.size() >= names_kept) entries_.clear();
    found = entries_.emplace(uid, Entry{}).first;
  }
  found->second.asked_ms = now_ms;
  const std::lock_guard lock(shared_->mutex);
  shared_->wanted.push_back(uid);
  shared_->changed.notify_one();
  return found->second.known;
}

int UserNames::fd() const { return shared_->ready.get(); }

std::vector<uid_t> UserNames::take_found(std::uint64_t now_ms) {
  std::vector<std::pair<uid_t, std::string>> found;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->ready.clear();
    found.swap(shared_->found);
  }
  std::vector<uid_t> uids;
  for (auto& [uid, name] : found) {
    entries_[uid] = Entry{std::move(name), true, now_ms};
    uids.push_back(uid);
  }
  return uids;
}

}  // namespace mailorigin::daemon
