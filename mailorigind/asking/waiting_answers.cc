#include "mailorigind/asking/waiting_answers.h"

#include <algorithm>
#include <utility>

namespace mailorigin::daemon {

std::vector<WaitingAnswer> WaitingAnswers::take(const Awaited& awaited) {
  std::vector<WaitingAnswer> taken;
  const auto [begin, end] = waiting_.equal_range(awaited);
  for (auto each = begin; each != end; ++each) taken.push_back(std::move(each->second));
  waiting_.erase(begin, end);
  return taken;
}

std::vector<WaitingAnswer> WaitingAnswers::take_overdue(std::uint64_t now_ms) {
  std::vector<WaitingAnswer> taken;
  std::erase_if(waiting_, [&](auto& entry) {
    if (entry.second.deadline_ms > now_ms) return false;
    taken.push_back(std::move(entry.second));
    return true;
  });
  return taken;
}

std::size_t WaitingAnswers::count_of(uid_t uid) const {
  return static_cast<std::size_t>(
      std::count_if(waiting_.begin(), waiting_.end(),
                    [&](const auto& entry) { return entry.second.uid == uid; }));
}

bool WaitingAnswers::has_room_for(uid_t uid, std::size_t at_once, std::size_t per_user) const {
  const std::size_t room = at_once - std::min(at_once, size());
  return count_of(uid) < std::min(per_user, (room + 1) / 2);
}

std::uint64_t WaitingAnswers::next_deadline_ms() const {
  std::uint64_t next_ms = UINT64_MAX;
  for (const auto& [awaited, answer] : waiting_) next_ms = std::min(next_ms, answer.deadline_ms);
  return next_ms;
}

}  // namespace mailorigin::daemon
