// Which questions have been answered of late, and where in the journal: a sender
// whose connection was lost repeats its question with the same nonce, and must
// not be counted twice.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <utility>

#include "core/wire/asking.h"

namespace mailorigin::daemon {

// A sender that asks anew on its connection has had its last answer. So what is
// remembered is each open connection's last question, and for a minute those of
// connections that have gone, at most nonces_remembered of them.
class RecentAnswers {
 public:
  struct Key {
    std::uint32_t uid = 0;
    Nonce nonce{};
    bool operator==(const Key&) const = default;
  };

  RecentAnswers();

  // The position of the record with the answer, if there was one.
  [[nodiscard]] std::optional<std::uint64_t> find(const Key& key) const;

  // Replaces `previous`, the connection's last question, if it had any.
  void remember(const std::optional<Key>& previous, const Key& key, std::uint64_t position);
  // The connection has gone: forgotten after nonce_memory_ms.
  void release(const Key& key, std::uint64_t now_ms);
  // A record that the journal had at the start; in the order of their times.
  void recover(const Key& key, std::uint64_t position, std::uint64_t answered_ms);

  void expire(std::uint64_t now_ms);
  [[nodiscard]] std::size_t size() const { return answers_.size(); }

 private:
  struct Entry {
    std::uint64_t position = 0;
    std::uint64_t expires_ms = UINT64_MAX;  // while its connection is open: never
  };
  // Under a key of this process: a sender cannot choose nonces that collide.
  struct Hash {
    std::array<unsigned char, 16> secret;
    std::size_t operator()(const Key& key) const;
  };
  void expire_at(const Key& key, Entry& entry, std::uint64_t time_ms);

  std::unordered_map<Key, Entry, Hash> answers_;
  std::deque<std::pair<std::uint64_t, Key>> leaving_;  // by time
};

}  // namespace mailorigin::daemon
