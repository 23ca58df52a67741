// ControlDesk: httpd's connections, which bring policies and take notices.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "core/fd.h"
#include "core/policy.h"
#include "core/result.h"
#include "core/unix_socket.h"
#include "core/wire/packet.h"
#include "service/event_fd.h"
#include "service/notice_board.h"
#include "service/poller.h"

namespace mailorigin::service {

// What has come with a policy, of which the service has made what it needs.
struct PolicyPush {
  KeyRing keys;
  std::string encoded;  // the policy
  std::vector<Fd> descriptors;
  std::uint64_t read_ns = UINT64_MAX;  // see PolicyMessage
  Fd request_counts;                   // none: httpd does not count
};

struct PreparedPolicy {
  std::size_t descriptors = 0;  // that it must come with, one for each file and pipe
  // Puts it in force, once all has come. What it fails with is what httpd is told; the policy
  // before stays in force.
  std::function<Status(PolicyPush)> accept;
};

class ControlDesk {
 public:
  // What the service does with it.
  struct Owner {
    // Makes all that follows from a policy alone. Called on a thread of its own, at the same time
    // as anything else: ten thousand vhosts take tens of milliseconds, in which nobody is to wait.
    std::function<PreparedPolicy(Policy)> prepare;
    // Anything that is no part of a push, with the connection to answer on.
    std::function<Status(const Packet&, int socket)> other;
  };

  // References must outlive it.
  ControlDesk(Poller& poller, NoticeBoard& notices, Owner owner);

  // A connection of root's: who is at its other end is the caller's to check. One
  // beyond control_connections is closed.
  void adopt(Fd socket);
  // Reads one message of the connection `fd`, or takes what was decoded meanwhile. What breaks the
  // protocol, or is not accepted, is answered at once with a reply that says so; the rest of that
  // push, up to its commit, is passed over.
  void read(int fd);
  // The instance of the httpd that pushed last, while it is connected; else empty.
  [[nodiscard]] std::string connected_instance() const;
  // Passes what is on the board to the httpd that pushed last; to stderr if there is none.
  void pass_notices();

 private:
  struct Decoded {
    std::string encoded;
    std::string instance;
    PreparedPolicy prepared;
  };
  struct Begun {
    PolicyPush push;
    PreparedPolicy prepared;
  };
  struct Connection {
    Fd socket;
    std::string instance;      // of a policy that was accepted; else empty
    std::string announced;     // instance of the push that has begun
    std::uint64_t serial = 0;  // of that push
    std::optional<Begun> push;
    bool refused = false;  // until its commit
    // While they are at work, the connection is not read.
    std::future<Result<Decoded>> decoded;
    std::jthread decoder;
  };

  Status handle(Connection& connection);
  void refuse(Connection& connection, const Error& error);
  Status begin(Connection& connection);
  Status decode(Connection& connection);
  void take_decoded();
  Status continue_push(Connection& connection, Result<Decoded> decoded);
  Status add_descriptors(Connection& connection);
  Status add_request_counts(Connection& connection);
  Status commit(Connection& connection);
  [[nodiscard]] const Connection* latest_httpd() const;
  [[nodiscard]] const Connection* other_instance(const Connection& than) const;

  Poller& poller_;
  NoticeBoard& notices_;
  const Owner owner_;
  EventFd decoded_;
  std::unordered_map<int, Connection> connections_;
  std::uint64_t pushes_ = 0;
  Packet packet_;
};

}  // namespace mailorigin::service
