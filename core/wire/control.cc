#include "core/wire/control.h"

#include <optional>

#include "core/name_values.h"

namespace mailorigin {

std::string encode_policy_message(const PolicyMessage& message) {
  std::string packet = encode_head(MessageType::policy);
  NameValueWriter writer(packet);
  writer.add("instance", message.instance);
  writer.add("key", message.keys.current.bytes());
  if (message.keys.previous) writer.add("previous_key", message.keys.previous->bytes());
  if (message.read_ns != UINT64_MAX) writer.add("read", message.read_ns);
  return packet;
}

Result<PolicyMessage> decode_policy_message(std::string_view packet) {
  PolicyMessage message;
  bool has_key = false;
  const Status read = read_packet(MessageType::policy, "policy", packet,
                                  [&](std::string_view name, std::string_view value) {
                                    if (name == "instance") {
                                      message.instance = value;
                                      return true;
                                    }
                                    if (name == "read") {
                                      const auto read_ns = parse_number(value);
                                      message.read_ns = read_ns.value_or(0);
                                      return read_ns.has_value();
                                    }
                                    const auto key = SealKey::from_bytes(value);
                                    if (!key) return false;
                                    if (name == "key") {
                                      message.keys.current = *key;
                                      return has_key = true;
                                    }
                                    message.keys.previous = *key;
                                    return name == "previous_key";
                                  });
  if (!read) return read.error();
  if (!has_key) return Error{"policy: no key"};
  return message;
}

std::string encode_descriptors_message(std::size_t first_target) {
  std::string packet = encode_head(MessageType::descriptors);
  NameValueWriter(packet).add("first", std::uint64_t{first_target});
  return packet;
}

Result<std::size_t> decode_descriptors_message(std::string_view packet) {
  std::optional<std::uint64_t> first;
  const Status read = read_packet(MessageType::descriptors, "descriptors", packet,
                                  [&](std::string_view name, std::string_view value) {
                                    first = parse_number(value, UINT32_MAX);
                                    return name == "first" && first.has_value();
                                  });
  if (!read) return read.error();
  if (!first) return Error{"descriptors: 'first' is missing"};
  return static_cast<std::size_t>(*first);
}

std::string encode_reply(std::string_view error) {
  std::string packet = encode_head(MessageType::reply);
  NameValueWriter(packet).add("error", error);
  return packet;
}

Result<std::string> decode_reply(std::string_view packet) {
  std::string error;
  const Status read = read_packet(MessageType::reply, "reply", packet,
                                  [&](std::string_view name, std::string_view value) {
                                    error = value;
                                    return name == "error";
                                  });
  if (!read) return read.error();
  return error;
}

std::string encode_notice(const Notice& notice) {
  std::string packet = encode_head(MessageType::notice);
  NameValueWriter writer(packet);
  writer.add("level", static_cast<std::uint64_t>(notice.level));
  writer.add("text", notice.text);
  return packet;
}

Result<Notice> decode_notice(std::string_view packet) {
  Notice notice;
  const Status read = read_packet(
      MessageType::notice, "notice", packet, [&](std::string_view name, std::string_view value) {
        if (name == "text") {
          notice.text = value;
          return true;
        }
        const auto level = parse_number(value, static_cast<std::uint64_t>(Notice::Level::info));
        if (name != "level" || !level ||
            *level < static_cast<std::uint64_t>(Notice::Level::error)) {
          return false;
        }
        notice.level = static_cast<Notice::Level>(*level);
        return true;
      });
  if (!read) return read.error();
  return notice;
}

std::string encode_status_reply(std::string_view json) {
  std::string packet = encode_head(MessageType::status_reply);
  NameValueWriter(packet).add("status", json);
  return packet;
}

Result<std::string> decode_status_reply(std::string_view packet) {
  std::string json;
  const Status read = read_packet(MessageType::status_reply, "status", packet,
                                  [&](std::string_view name, std::string_view value) {
                                    json = value;
                                    return name == "status";
                                  });
  if (!read) return read.error();
  return json;
}

}  // namespace mailorigin
