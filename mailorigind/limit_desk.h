// LimitDesk: what `mailorigin limits` asks for.
#pragma once

#include <cstdint>
#include <string>

#include "core/policy.h"
#include "core/result.h"
#include "core/unix_socket.h"
#include "mailorigind/judging/counted_limits.h"
#include "mailorigind/kept_answers.h"
#include "mailorigind/moment.h"
#include "service/notice_board.h"

namespace mailorigin::daemon {

class LimitDesk {
 public:
  // References must outlive it.
  LimitDesk(const std::string& state_directory, CountedLimits& limits,
            service::NoticeBoard& notices)
      : path_(state_directory + "/limits.resets"), limits_(limits), notices_(notices) {}

  // The resets that are kept; where they cannot be read, that is said.
  void load();

  // Each answers on the socket of root's that asked, or fails: httpd has no such site. The second
  // once what it did is kept on the disk, from a thread of its own. `policy` is the one in force;
  // null: there is none.
  Status show(const Packet& packet, int socket, const Policy* policy, std::uint64_t started_ms,
              const Moment& now) const;
  Status reset(const Packet& packet, int socket, const Policy* policy, const Moment& now);

 private:
  [[nodiscard]] Result<LimitResets> read() const;
  std::string keep(const std::string& encoded);

  const std::string path_;
  CountedLimits& limits_;
  service::NoticeBoard& notices_;
  KeptAnswers answers_;  // last: its end waits for what uses the rest
};

}  // namespace mailorigin::daemon
