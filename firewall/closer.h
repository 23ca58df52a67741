// Closer: closes connections, and is not kept by any of them.
//
// The kernel ends a connection under its socket's lock, and that a process can hold for as long as
// it likes: send() from memory that does not come. Who waits for it cannot be ended either. So
// processes of their own close; one that is kept is left behind with what keeps it, and another one
// goes on with the next. What is not closed in time is held up, and its packets are to be refused.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "firewall/sock_diag.h"

namespace mailorigin::firewall {

class Closer {
 public:
  Closer() = default;
  ~Closer();
  Closer(const Closer&) = delete;
  Closer& operator=(const Closer&) = delete;

  // By cookie.
  using Connections = std::map<std::uint64_t, TcpConnection>;

  // Those of `all` that were closed. What is held up is in held_up() from then on; it comes after
  // the others when it is tried again. Takes closing_patience for each connection that keeps who
  // closes it, closers_left_at_once times at most.
  std::vector<TcpConnection> close(std::vector<TcpConnection> all);

  [[nodiscard]] const Connections& held_up() const { return held_up_; }
  // What is not among `open` any more has ended.
  void forget_all_but(const std::set<std::uint64_t>& open);

 private:
  void reap();

  Connections held_up_;
  std::set<pid_t> left_behind_;
};

}  // namespace mailorigin::firewall
