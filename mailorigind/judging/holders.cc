#include "mailorigind/judging/holders.h"

#include <algorithm>

#include "mailorigind/limits.h"

namespace mailorigin::daemon {

void Holders::use(const QueuePolicy& policy) {
  policy_ = policy;
  if (!policy.exim_uid) return;
  const auto before = before_ms_.find(*policy.exim_uid);
  if (before != before_ms_.end()) asked(Holder::exim, before->second);
}

void Holders::recover(std::uint32_t uid, std::uint64_t asked_ms) {
  std::uint64_t& last = before_ms_[uid];
  last = std::max(last, asked_ms);
}

void Holders::asked(Holder holder, std::uint64_t now_ms) {
  auto& last = asked_ms_[static_cast<std::size_t>(holder)];
  last = std::max(last.value_or(0), now_ms);
}

bool Holders::is_configured(Holder holder) const {
  return holder == Holder::milter ? policy_.milter : policy_.exim;
}

std::optional<std::uint64_t> Holders::last_asked_ms(Holder holder) const {
  return asked_ms_[static_cast<std::size_t>(holder)];
}

bool Holders::milter_is_there(std::uint64_t now_ms) const {
  return milter_seen_ms_ && now_ms - std::min(now_ms, *milter_seen_ms_) < milter_memory_ms;
}

bool Holders::holds(Holder holder, std::uint64_t now_ms) const {
  if (holder == Holder::milter) return policy_.milter && milter_is_there(now_ms);
  const auto last = last_asked_ms(holder);
  return is_configured(holder) && last && now_ms - std::min(now_ms, *last) < holder_memory_ms;
}

bool Holders::any(std::uint64_t now_ms) const {
  return holds(Holder::milter, now_ms) || holds(Holder::exim, now_ms);
}

}  // namespace mailorigin::daemon
