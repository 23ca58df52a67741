// Quota: how much one uid or one vhost may ask.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mailorigind/limits.h"

namespace mailorigin::daemon {

// The reason of a refusal because of it.
inline constexpr std::string_view busy_reason = "busy";

// A token bucket: full at first, refilled at question_rate.
class Quota {
 public:
  // Takes one question's share, if it is there.
  bool take(std::uint64_t now_ms) {
    refill(now_ms);
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

  // Takes what some other work costs, down to nothing.
  void charge(double amount) { tokens_ = tokens_ > amount ? tokens_ - amount : 0; }

  // A flood must not fill the journal: of the refusals of one second only the
  // first is an event, and the others are told its id. Empty: record this one.
  [[nodiscard]] std::string busy_event(std::uint64_t now_ms) const {
    return now_ms / 1000 == busy_second_ ? busy_id_ : std::string();
  }
  void recorded_busy(std::uint64_t now_ms, std::string id) {
    busy_second_ = now_ms / 1000;
    busy_id_ = std::move(id);
  }

 private:
  void refill(std::uint64_t now_ms) {
    if (now_ms > filled_ms_) {
      tokens_ += static_cast<double>(now_ms - filled_ms_) * (question_rate / 1000);
      if (tokens_ > question_burst) tokens_ = question_burst;
    }
    // Also when the clock went back: time counts from there.
    filled_ms_ = now_ms;
  }

  double tokens_ = question_burst;
  std::uint64_t filled_ms_ = 0;
  std::uint64_t busy_second_ = 0;
  std::string busy_id_;
};

}  // namespace mailorigin::daemon
