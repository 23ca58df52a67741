// BlockDesk: what `mailorigin block` and its kin ask for, and what is blocked.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "core/blocks.h"
#include "core/result.h"
#include "core/unix_socket.h"
#include "core/wire/blocking.h"
#include "mailorigind/kept_answers.h"
#include "service/block_file.h"
#include "service/notice_board.h"

namespace mailorigin::daemon {

class BlockDesk {
 public:
  // `notices` must outlive it. `changed` is told what is blocked now (Blocks::encode()), each
  // time that it changes.
  BlockDesk(const std::string& state_directory, service::NoticeBoard& notices,
            std::function<void(const std::string&)> changed)
      : file_(state_directory), notices_(notices), changed_(std::move(changed)) {}

  // Those that are kept; where they cannot be read, that is said, and lasts.
  void load();

  [[nodiscard]] const Blocks& blocks() const { return blocks_; }

  // Each answers on the socket of root's that asked; the first two once what they did is
  // kept on the disk, from a thread of its own.
  Status block(const Packet& packet, int socket, std::uint64_t now_ms);
  Status unblock(const Packet& packet, int socket, std::uint64_t now_ms);
  Status show(int socket) const;

  // Now and then: those that are over go, and a damaged file that somebody has taken away
  // is none any more.
  void tidy(std::uint64_t now_ms);

 private:
  Status answer_when_kept(std::uint64_t count, int socket);
  std::string keep(const std::string& encoded);

  const service::BlockFile file_;
  service::NoticeBoard& notices_;
  const std::function<void(const std::string&)> changed_;
  Blocks blocks_;
  bool was_damaged_ = false;
  KeptAnswers answers_;  // last: its end waits for what uses the rest
};

}  // namespace mailorigin::daemon
