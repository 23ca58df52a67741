// Quota: how much one uid or one vhost may ask, in number and in the answering
// thread's time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "mailorigind/limits.h"

namespace mailorigin::daemon {

// The reason of a refusal because of it.
inline constexpr std::string_view busy_reason = "busy";

// A token bucket, full at first. What has been done cannot be refused any more: it
// may leave a debt, as large as the bucket, and nothing is to be had before that is
// paid off.
class Quota {
 public:
  explicit Quota(double rate = question_rate, double burst = question_burst)
      : rate_(rate), burst_(burst), tokens_(burst) {}

  // Takes one question's share, if it is there.
  bool take(std::uint64_t now_ms) {
    refill(now_ms);
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

  void charge(double tokens) { tokens_ = std::max(tokens_ - tokens, -burst_); }
  // The answering thread's time, but for what a token has paid for.
  void charge_time(std::uint64_t used_ns, std::uint64_t paid_ns = 0) {
    if (used_ns > paid_ns) charge(static_cast<double>(used_ns - paid_ns) / token_ns);
  }
  [[nodiscard]] bool in_debt(std::uint64_t now_ms) {
    refill(now_ms);
    return tokens_ < 0;
  }

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
      tokens_ += static_cast<double>(now_ms - filled_ms_) * (rate_ / 1000);
      tokens_ = std::min(tokens_, burst_);
    }
    // Also when the clock went back: time counts from there.
    filled_ms_ = now_ms;
  }

  double rate_;
  double burst_;
  double tokens_;
  std::uint64_t filled_ms_ = 0;
  std::uint64_t busy_second_ = 0;
  std::string busy_id_;
};

// How much of a turn of the answering thread one uid has had.
class TurnShare {
 public:
  // Whether one more of its messages is read in this turn.
  bool take(std::uint64_t turn) {
    if (turn != turn_) *this = TurnShare(turn);
    return used_ns_ < user_turn_ns && messages_++ < messages_per_user_and_turn;
  }
  void used(std::uint64_t ns) { used_ns_ += ns; }

  TurnShare() = default;

 private:
  explicit TurnShare(std::uint64_t turn) : turn_(turn) {}

  std::uint64_t turn_ = 0;
  std::uint64_t messages_ = 0;
  std::uint64_t used_ns_ = 0;
};

}  // namespace mailorigin::daemon
