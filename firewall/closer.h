// Closer: closes connections, and is not kept by any of them.
//
// The kernel ends a connection under its socket's lock, and that a process can hold for as long as
// it likes: send() from memory that does not come. Who waits for it cannot be ended either. So
// processes of their own close, several at once, and go on when their time is up for whoever
// called: what is not closed by then is held up, and its packets are to be refused.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "firewall/sock_diag.h"

namespace mailorigin::firewall {

class Closer {
 public:
  Closer();
  ~Closer();
  Closer(const Closer&) = delete;
  Closer& operator=(const Closer&) = delete;

  struct Outcome {
    std::vector<TcpConnection> closed;
    std::vector<TcpConnection> kept_busy;  // tried, and held up
  };
  // Takes closing_patience at most. What had ended by itself is in neither.
  Outcome close(const std::vector<TcpConnection>& all);

  // By cookie.
  using Connections = std::map<std::uint64_t, TcpConnection>;
  [[nodiscard]] const Connections& held_up() const { return held_up_; }
  // Whether closing it goes on; else it had no turn yet.
  [[nodiscard]] bool is_being_closed(std::uint64_t cookie) const;
  // No others are held up any more: they have ended, or may stay.
  void keep(const std::set<std::uint64_t>& cookies);

 private:
  class Task;
  void reap();

  Connections held_up_;
  std::vector<std::unique_ptr<Task>> tasks_;  // that go on
};

}  // namespace mailorigin::firewall
