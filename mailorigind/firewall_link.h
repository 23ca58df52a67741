// FirewallLink: mailorigind's connection to mailorigin-firewall. It gets the ring
// buffer there, and says which processes may be known by what context.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/fd.h"
#include "core/unix_socket.h"
#include "firewall/kernel/layout.h"
#include "mailorigind/kernel_ring.h"
#include "service/notice_board.h"

namespace mailorigin {

class FirewallLink {
 public:
  // `socket_path` is mailorigin-firewall's. `notices` outlives this.
  FirewallLink(std::string socket_path, NoticeBoard& notices)
      : socket_path_(std::move(socket_path)), notices_(notices) {}

  // Whether there should be a firewall.
  void want(bool wanted);
  [[nodiscard]] bool wanted() const { return wanted_; }

  // Connects, takes what has arrived, notices that the other end has gone. Never
  // waits; to be called often.
  void tend(std::uint64_t now_ms);

  // Null until there is one. It stays while the firewall is away: the programs in
  // the kernel go on writing.
  KernelRing* ring() { return ring_ ? &*ring_ : nullptr; }

  // False if the firewall is not there.
  bool add(const mo_registration& process);

 private:
  void connect(std::uint64_t now_ms);
  void receive();

  const std::string socket_path_;
  NoticeBoard& notices_;
  bool wanted_ = false;
  Fd socket_;
  Packet packet_;
  std::uint64_t tried_ms_ = 0;
  std::optional<KernelRing> ring_;
};

}  // namespace mailorigin
