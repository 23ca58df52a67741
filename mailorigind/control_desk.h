// ControlDesk: httpd's connections, which bring policies and take notices.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/fd.h"
#include "core/policy.h"
#include "core/result.h"
#include "core/unix_socket.h"
#include "core/wire.h"
#include "mailorigind/notice_board.h"
#include "mailorigind/poller.h"

namespace mailorigin {

class ControlDesk {
 public:
  // A whole policy has come, with one descriptor for each file and pipe.
  struct Push {
    KeyRing keys;
    Policy policy;
    std::string encoded;
    std::vector<Fd> descriptors;
  };
  using Accept = std::function<void(Push)>;

  // References must outlive it.
  ControlDesk(Poller& poller, NoticeBoard& notices, Accept accept_push)
      : poller_(poller), notices_(notices), accept_push_(std::move(accept_push)) {}

  // Only root's connections stay.
  void accept(int listener);
  // Reads one message of the connection `fd`. What breaks the protocol, or is not
  // accepted, is answered at once with a reply that says so; the rest of that push,
  // up to its commit, is passed over.
  void read(int fd);
  // Passes what is on the board to the httpd that pushed last; to stderr if there is none.
  void pass_notices();

 private:
  struct Connection {
    Fd socket;
    std::string instance;      // of a policy that was accepted; else empty
    std::uint64_t serial = 0;  // of that push
    std::optional<Push> push;  // begun
    bool refused = false;      // until its commit
  };

  Status handle(Connection& connection);
  void refuse(Connection& connection, const Error& error);
  Status begin(Connection& connection);
  Status add_descriptors(Connection& connection);
  Status commit(Connection& connection);
  [[nodiscard]] const Connection* other_instance(const Connection& than) const;

  Poller& poller_;
  NoticeBoard& notices_;
  const Accept accept_push_;
  std::unordered_map<int, Connection> connections_;
  std::uint64_t pushes_ = 0;
  Packet packet_;
};

}  // namespace mailorigin
