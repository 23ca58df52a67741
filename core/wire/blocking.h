// What `mailorigin block` and its kin say to mailorigind, and what it answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/blocks.h"
#include "core/result.h"
#include "core/wire/packet.h"

namespace mailorigin {

struct BlockMessage {
  Block block;                              // the daemon says since when, and until when
  std::optional<std::uint64_t> lasts_ms{};  // nothing: until further notice
};
std::string encode_block_message(const BlockMessage& message);
Result<BlockMessage> decode_block_message(std::string_view packet);

struct UnblockMessage {
  std::optional<BlockSubject> subject{};  // nothing: all of them
  std::string by{};                       // the administrator's account
};
std::string encode_unblock_message(const UnblockMessage& message);
Result<UnblockMessage> decode_unblock_message(std::string_view packet);

struct BlockedMessage {
  std::uint64_t count = 0;  // of blocks that were made, or ended
  // Why the next start of the daemon will not know of it; empty: it will.
  std::string not_kept{};
};
std::string encode_blocked_message(const BlockedMessage& message);
Result<BlockedMessage> decode_blocked_message(std::string_view packet);

}  // namespace mailorigin
