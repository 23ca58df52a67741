#include "core/wire/packet.h"

namespace mailorigin {

std::optional<MessageType> message_type(std::string_view packet) {
  if (packet.size() < packet_head_size || packet[0] != static_cast<char>(wire_version) ||
      packet[2] != 0 || packet[3] != 0) {
    return std::nullopt;
  }
  const auto type = static_cast<MessageType>(packet[1]);
  switch (type) {
    case MessageType::question:
    case MessageType::answer:
    case MessageType::policy:
    case MessageType::descriptors:
    case MessageType::commit:
    case MessageType::reply:
    case MessageType::notice:
    case MessageType::registration:
    case MessageType::hello:
    case MessageType::queued:
    case MessageType::milter_hello:
    case MessageType::deputed:
    case MessageType::counts:
    case MessageType::attach:
    case MessageType::ring:
    case MessageType::process:
    case MessageType::remove:
    case MessageType::blocks:
    case MessageType::status:
    case MessageType::status_reply:
    case MessageType::show_policy:
    case MessageType::policy_shown:
    case MessageType::block:
    case MessageType::unblock:
    case MessageType::blocked:
    case MessageType::show_blocks:
    case MessageType::blocks_shown:
    case MessageType::show_limits:
    case MessageType::limits_shown:
    case MessageType::reset_limits:
    case MessageType::limits_reset:
      return type;
  }
  return std::nullopt;
}

std::string encode_head(MessageType type) {
  return {static_cast<char>(wire_version), static_cast<char>(type), '\0', '\0'};
}

}  // namespace mailorigin
