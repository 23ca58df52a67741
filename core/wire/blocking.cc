#include "core/wire/blocking.h"

#include <utility>

namespace mailorigin {

std::string encode_block_message(const BlockMessage& message) {
  std::string packet = encode_head(MessageType::block);
  NameValueWriter writer(packet);
  writer.add("block", encode_block(message.block));
  if (message.lasts_ms) writer.add("lasts", *message.lasts_ms);
  return packet;
}

Result<BlockMessage> decode_block_message(std::string_view packet) {
  BlockMessage message;
  std::string_view block;
  const Status read = read_packet(
      MessageType::block, "block", packet, [&](std::string_view name, std::string_view value) {
        if (name == "lasts") {
          return (message.lasts_ms = parse_number(value, UINT32_MAX * 1000ULL)).has_value();
        }
        block = value;
        return name == "block";
      });
  if (!read) return read.error();
  auto decoded = decode_block(block);
  if (!decoded) return decoded.error();
  message.block = *std::move(decoded);
  return message;
}

std::string encode_unblock_message(const UnblockMessage& message) {
  std::string packet = encode_head(MessageType::unblock);
  NameValueWriter writer(packet);
  Block block;
  if (message.subject) {
    block.subject = *message.subject;
    writer.add("block", encode_block(block));
  } else {
    writer.add("all", std::uint64_t{1});
  }
  writer.add("by", message.by);
  return packet;
}

Result<UnblockMessage> decode_unblock_message(std::string_view packet) {
  UnblockMessage message;
  bool all = false;
  std::string_view block;
  const Status read = read_packet(MessageType::unblock, "unblock", packet,
                                  [&](std::string_view name, std::string_view value) {
                                    if (name == "all") return all = value == "1";
                                    if (name == "by") {
                                      message.by = value;
                                      return value.size() <= block_author_limit;
                                    }
                                    block = value;
                                    return name == "block";
                                  });
  if (!read) return read.error();
  if (all) return message;
  auto decoded = decode_block(block);
  if (!decoded) return decoded.error();
  message.subject = std::move(decoded->subject);
  return message;
}

std::string encode_blocked_message(const BlockedMessage& message) {
  std::string packet = encode_head(MessageType::blocked);
  NameValueWriter writer(packet);
  writer.add("count", message.count);
  if (!message.not_kept.empty()) writer.add("not_kept", message.not_kept);
  return packet;
}

Result<BlockedMessage> decode_blocked_message(std::string_view packet) {
  BlockedMessage message;
  const Status read = read_packet(MessageType::blocked, "blocked", packet,
                                  [&](std::string_view name, std::string_view value) {
                                    if (name == "not_kept") {
                                      message.not_kept = value;
                                      return true;
                                    }
                                    const auto count = parse_number(value, blocks_limit);
                                    message.count = count.value_or(0);
                                    return name == "count" && count.has_value();
                                  });
  if (!read) return read.error();
  return message;
}

}  // namespace mailorigin
