// What httpd.conf says about messages that enter the mail server's queue.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/rule.h"

namespace mailorigin {

struct QueuePolicy {
  bool milter = false;  // MailOriginMilter
  bool exim = false;    // MailOriginEximSocket
  // Who may tell of the queue: MailOriginMilterUser, and Exim's user.
  std::optional<std::uint32_t> milter_uid;
  std::optional<std::uint32_t> exim_uid;
  Rule unrecorded = Rule::observe;          // MailOriginUnrecorded; deny is none of its words
  std::vector<std::uint32_t> trusted_uids;  // MailOriginTrustedSubmitters

  // Whether the mail server has a way to ask about them.
  [[nodiscard]] bool is_asked_about() const { return milter || exim; }
  bool operator==(const QueuePolicy&) const = default;
};
std::string encode_queue_policy(const QueuePolicy& policy);
// False for what is not understood.
bool read_queue_policy(std::string_view bytes, QueuePolicy& policy);

// The header field by which the queue knows a mail that was asked about: its event's id.
// Who asks there takes it out of the mail.
inline constexpr std::string_view ticket_field = "X-Mail-Origin-Ticket";

}  // namespace mailorigin
