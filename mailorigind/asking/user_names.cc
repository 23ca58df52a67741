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
#include "service/thread_share.h"

namespace mailorigin::daemon {

struct UserNames::Shared {
  Lookup lookup;
  std::mutex mutex;
  std::condition_variable changed;
  bool over = false;
  std::deque<uid_t> wanted;
  std::deque<uid_t> expected;  // after these
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
    service::name_thread("names");
    service::stand_aside();
    std::unique_lock lock(shared->mutex);
    for (;;) {
      shared->changed.wait(lock, [&] {
        return shared->over || !shared->wanted.empty() || !shared->expected.empty();
      });
      if (shared->over) return;
      auto& next = shared->wanted.empty() ? shared->expected : shared->wanted;
      const uid_t uid = next.front();
      next.pop_front();
      lock.unlock();
      std::string name = shared->lookup(uid);
      lock.lock();
      const bool is_told = !shared->found.empty();
      shared->found.emplace_back(uid, std::move(name));
      if (is_told) continue;
      // Who answers is woken, and should not find that this thread holds the lock and waits for a
      // processor.
      lock.unlock();
      shared->ready.signal();
      lock.lock();
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
  if (found != entries_.end() && found->second.asked &&
      found->second.asked_ms + name_lifetime_ms > now_ms) {
    return found->second.known;
  }
  if (found == entries_.end()) {
    if (entries_.size() >= names_kept) {
      std::erase_if(entries_, [](const auto& entry) { return !entry.second.expected; });
    }
    found = entries_.emplace(uid, Entry{}).first;
  }
  found->second.asked = true;
  found->second.asked_ms = now_ms;
  const std::lock_guard lock(shared_->mutex);
  shared_->wanted.push_back(uid);
  shared_->changed.notify_one();
  return found->second.known;
}

void UserNames::expect(const std::vector<uid_t>& uids) {
  for (auto& [uid, entry] : entries_) entry.expected = false;
  const std::lock_guard lock(shared_->mutex);
  shared_->expected.clear();
  for (const uid_t uid : uids) {
    Entry& entry = entries_[uid];
    entry.expected = true;
    if (!entry.known) shared_->expected.push_back(uid);
  }
  shared_->changed.notify_one();
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
    Entry& entry = entries_[uid];
    entry.name = std::move(name);
    entry.known = entry.asked = true;
    entry.asked_ms = now_ms;
    uids.push_back(uid);
  }
  return uids;
}

}  // namespace mailorigin::daemon
