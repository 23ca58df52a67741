// GivenBlocks: what mailorigind says is blocked, kept for the next start.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/blocks.h"
#include "core/result.h"
#include "core/unix_socket.h"
#include "service/block_file.h"
#include "service/notice_board.h"

namespace mailorigin::firewall {

class GivenBlocks {
 public:
  // `notices` must outlive it.
  GivenBlocks(const std::string& state_directory, service::NoticeBoard& notices)
      : file_(state_directory), notices_(notices) {}

  // Those that were kept; where they cannot be read, that is said, and there are none.
  void load();

  // MessageType::blocks. True: they are others than before. Fails, and changes nothing, where
  // they cannot be read.
  Result<bool> take(const Packet& packet);
  // For the next start; that they cannot be kept is said.
  void keep();

  // Takes those out of force that are over. True: there were any.
  bool expire(std::uint64_t now_ms) { return !in_force_.expire(now_ms).empty(); }

  [[nodiscard]] const Blocks& in_force() const { return in_force_; }
  // Of what was given: what is over since then counts.
  [[nodiscard]] std::string_view digest() const { return Blocks::digest_of(given_); }

 private:
  const service::BlockFile file_;
  service::NoticeBoard& notices_;
  std::string given_ = Blocks().encode();
  Blocks in_force_;
};

}  // namespace mailorigin::firewall
