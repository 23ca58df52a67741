// What root's side says to mailorigind and mailorigin-firewall over their control
// sockets, and what they answer: httpd's policy, their notices, the command line's questions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/key.h"
#include "core/result.h"
#include "core/wire/packet.h"

namespace mailorigin {

inline constexpr std::size_t descriptors_per_packet = 253;  // the kernel's SCM_MAX_FD

struct PolicyMessage {
  std::string instance;
  KeyRing keys;
  // CLOCK_BOOTTIME at which httpd read it: a push that comes late is as old as that.
  std::uint64_t read_ns = UINT64_MAX;
};
std::string encode_policy_message(const PolicyMessage& message);
Result<PolicyMessage> decode_policy_message(std::string_view packet);

std::string encode_descriptors_message(std::size_t first_target);
Result<std::size_t> decode_descriptors_message(std::string_view packet);

// Empty error: accepted.
std::string encode_reply(std::string_view error);
Result<std::string> decode_reply(std::string_view packet);

struct Notice {
  enum class Level : std::uint8_t { error = 3, warning = 4, notice = 5, info = 6 };  // syslog's
  Level level = Level::notice;
  std::string text;  // begins with its number, "MO0301: ..."
};
std::string encode_notice(const Notice& notice);
Result<Notice> decode_notice(std::string_view packet);

// A JSON object, at most packet_limit with its head.
std::string encode_status_reply(std::string_view json);
Result<std::string> decode_status_reply(std::string_view packet);

}  // namespace mailorigin
