// EximDesk: what Exim's ACLs ask, one line over a connection of its own. Whose an SMTP
// connection is Exim does not know, and the kernel says.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <utility>

#include "core/fd.h"
#include "core/wire/queueing.h"
#include "mailorigind/moment.h"
#include "service/notice_board.h"
#include "service/poller.h"

namespace mailorigin::daemon {

// Exim's user alone is heard, and root.
class EximDesk {
 public:
  // The answer to what is asked, once it is recorded; nothing if that cannot be.
  using Answering = std::function<std::optional<Answer>(QueuedMail mail)>;

  // References must outlive it.
  EximDesk(service::Poller& poller, service::NoticeBoard& notices, Answering answering)
      : poller_(poller), notices_(notices), answering_(std::move(answering)) {}

  void use(std::optional<uid_t> exim) { exim_ = exim; }
  void accept(int listener, const Moment& moment);
  void read(int fd);
  // Closes those that say nothing. Returns after how many milliseconds to call it again at
  // the latest; -1: there are none.
  int keep_house(std::uint64_t now_ms);

 private:
  struct Connection {
    Fd socket;
    std::uint64_t since_ms = 0;
    std::string line{};
  };
  using Place = std::list<Connection>::iterator;
  void refuse(uid_t uid);
  // The whole line is there, or no more of it will come.
  void answer(Place asking);

  service::Poller& poller_;
  service::NoticeBoard& notices_;
  const Answering answering_;
  std::optional<uid_t> exim_;
  std::list<Connection> connections_;  // the oldest first
};

}  // namespace mailorigin::daemon
