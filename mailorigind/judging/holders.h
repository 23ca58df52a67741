// Holders: whether there is a mail server that holds messages when it is told to.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "core/queue_policy.h"

namespace mailorigin::daemon {

// By what a mail server asks about each message that enters its queue.
enum class Holder : std::uint8_t {
  milter,  // MailOriginMilter
  exim,    // MailOriginEximSocket
};
inline constexpr std::size_t holder_count = 2;

// The milter while it is there; Exim if it has asked within holder_memory_ms: that it is
// configured does not say that the mail server knows of it.
class Holders {
 public:
  void use(const QueuePolicy& policy);

  // Times are Moment::elapsed_ms()'s.
  void asked(Holder holder, std::uint64_t now_ms);
  // Before this process began, `uid` had told of a message in the queue.
  void recover(std::uint32_t uid, std::uint64_t asked_ms);
  // The milter says that it is there.
  void milter_seen(std::uint64_t now_ms) { milter_seen_ms_ = now_ms; }
  [[nodiscard]] bool milter_is_there(std::uint64_t now_ms) const;
  [[nodiscard]] bool is_configured(Holder holder) const;
  // Nothing if it never has.
  [[nodiscard]] std::optional<std::uint64_t> last_asked_ms(Holder holder) const;
  [[nodiscard]] bool holds(Holder holder, std::uint64_t now_ms) const;
  [[nodiscard]] bool any(std::uint64_t now_ms) const;

 private:
  QueuePolicy policy_;
  std::array<std::optional<std::uint64_t>, holder_count> asked_ms_{};
  std::optional<std::uint64_t> milter_seen_ms_;
  std::unordered_map<std::uint32_t, std::uint64_t> before_ms_;  // by uid
};

}  // namespace mailorigin::daemon
