#include "mailorigind/asking/recent_answers.h"

#include "core/random.h"
#include "core/seal.h"
#include "mailorigind/limits.h"

namespace mailorigin::daemon {

namespace {

std::array<unsigned char, 16> random_secret() {
  std::array<unsigned char, 16> secret;
  random_bytes(secret.data(), secret.size());
  return secret;
}

}  // namespace

std::size_t RecentAnswers::Hash::operator()(const Key& key) const {
  static_assert(sizeof(Key) == 20, "no padding in what is hashed");
  return static_cast<std::size_t>(
      siphash24({reinterpret_cast<const char*>(&key), sizeof key}, secret));
}

RecentAnswers::RecentAnswers() : answers_(64, Hash{random_secret()}) {}

std::optional<std::uint64_t> RecentAnswers::find(const Key& key) const {
  const auto found = answers_.find(key);
  if (found == answers_.end()) return std::nullopt;
  return found->second.position;
}

void RecentAnswers::remember(const std::optional<Key>& previous, const Key& key,
                             std::uint64_t position) {
  // The node of the one before is used again: a busy connection allocates nothing.
  auto node = previous ? answers_.extract(*previous) : decltype(answers_)::node_type();
  if (node) {
    node.key() = key;
    node.mapped() = {};
    const auto inserted = answers_.insert(std::move(node));
    inserted.position->second = {position};
  } else {
    answers_.insert_or_assign(key, Entry{position});
  }
}

void RecentAnswers::expire_at(const Key& key, Entry& entry, std::uint64_t time_ms) {
  entry.expires_ms = time_ms;
  leaving_.emplace_back(time_ms, key);
}

void RecentAnswers::release(const Key& key, std::uint64_t now_ms) {
  if (const auto found = answers_.find(key); found != answers_.end()) {
    expire_at(key, found->second, now_ms + nonce_memory_ms);
  }
}

void RecentAnswers::recover(const Key& key, std::uint64_t position, std::uint64_t answered_ms) {
  Entry& entry = answers_[key];
  entry.position = position;
  expire_at(key, entry, answered_ms + nonce_memory_ms);
  expire(answered_ms);  // keeps their number within its limit
}

void RecentAnswers::expire(std::uint64_t now_ms) {
  while (!leaving_.empty() &&
         (leaving_.front().first < now_ms || leaving_.size() > nonces_remembered)) {
    const auto found = answers_.find(leaving_.front().second);
    if (found != answers_.end() && found->second.expires_ms <= leaving_.front().first) {
      answers_.erase(found);
    }
    leaving_.pop_front();
  }
}

}  // namespace mailorigin::daemon
