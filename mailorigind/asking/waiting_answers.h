// WaitingAnswers: answers that cannot be given yet, by what they wait for.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "core/wire/asking.h"

namespace mailorigin::daemon {

// Something that will be known later: whose, and its number there.
struct Awaited {
  enum class From : std::uint8_t { firewall };
  From from;
  std::uint64_t number;
  auto operator<=>(const Awaited&) const = default;
};

struct WaitingAnswer {
  // Whom to tell: the connection may be another one's by then.
  int fd = -1;
  std::uint64_t serial = 0;
  uid_t uid = 0;
  std::uint64_t deadline_ms = 0;
  Answer answer;  // as it is if nothing is known by then
};

// Each is taken out once, and then is the caller's to give.
class WaitingAnswers {
 public:
  void add(const Awaited& awaited, WaitingAnswer answer) {
    waiting_.emplace(awaited, std::move(answer));
  }

  // All that waited for it.
  std::vector<WaitingAnswer> take(const Awaited& awaited);
  std::vector<WaitingAnswer> take_overdue(std::uint64_t now_ms);

  [[nodiscard]] std::size_t size() const { return waiting_.size(); }
  [[nodiscard]] std::size_t count_of(uid_t uid) const;
  // Whether one more of this uid's may wait, if `at_once` may, and of one uid so many: one
  // has no more than half of what is left, so that a few together do not take all of it.
  [[nodiscard]] bool has_room_for(uid_t uid, std::size_t at_once, std::size_t per_user) const;
  // When take_overdue() has something; UINT64_MAX: never.
  [[nodiscard]] std::uint64_t next_deadline_ms() const;

 private:
  std::multimap<Awaited, WaitingAnswer> waiting_;
};

}  // namespace mailorigin::daemon
