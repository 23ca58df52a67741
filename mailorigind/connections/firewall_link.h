// FirewallLink: mailorigind's connection to mailorigin-firewall. It gets the ring
// buffer, the connections' openers and the processes' origins there, and says which processes
// may be known by what context.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/abi/layout.h"
#include "core/fd.h"
#include "core/unix_socket.h"
#include "mailorigind/connections/connection_openers.h"
#include "mailorigind/connections/kernel_ring.h"
#include "mailorigind/connections/process_origins.h"
#include "service/notice_board.h"
#include "service/poller.h"

namespace mailorigin::daemon {

class FirewallLink {
 public:
  // `socket_path` is mailorigin-firewall's. References must outlive this.
  FirewallLink(std::string socket_path, service::Poller& poller, service::NoticeBoard& notices)
      : socket_path_(std::move(socket_path)), poller_(poller), notices_(notices) {}

  // Whether there should be a firewall.
  void want(bool wanted);
  [[nodiscard]] bool wanted() const { return wanted_; }

  [[nodiscard]] bool connected() const { return static_cast<bool>(socket_); }
  [[nodiscard]] bool has_ring() const { return ring_.has_value(); }

  // What is blocked (Blocks::encode()): handed over now, and over each new connection.
  void use(const std::string& blocks);
  // Whether it has said that it has them.
  [[nodiscard]] bool has_blocks() const { return its_blocks_ == blocks_digest_; }

  // Connects, ten times a second at most. Never waits; to be called often.
  void tend(std::uint64_t now_ms);
  // Takes what has arrived (Source::visitor), or notices that the other end has gone.
  void receive();

  // Null until there is one. It stays while the firewall is away: the programs in
  // the kernel go on writing.
  KernelRing* ring() { return ring_ ? &*ring_ : nullptr; }

  // What the kernel keeps of this process, likewise. Never waits.
  [[nodiscard]] std::optional<mo_snapshot> origin_of(pid_t pid) const {
    return origins_ ? origins_->find(pid) : std::nullopt;
  }

  // Who opened a connection is noted in the kernel, as far as is known: not where there should
  // be no firewall, or where it has said that there are no programs.
  [[nodiscard]] bool notes_openers() const { return wanted_ && !without_programs_; }
  // Likewise.
  [[nodiscard]] std::optional<Opener> opener_of(std::uint64_t cookie, const TcpEnd& client,
                                                const TcpEnd& server) const {
    return openers_ ? openers_->find(cookie, client, server) : std::nullopt;
  }

  // Nothing if the firewall is not there. Whether it knows the process now is said
  // later, by next_result(), under this number.
  std::optional<std::uint64_t> add(const mo_registration& process);
  struct Registered {
    std::uint64_t number;
    bool known;
  };
  // Nothing while that of the next one is not known.
  std::optional<Registered> next_result();

 private:
  void connect(std::uint64_t now_ms);
  void disconnect();
  void take_packet();
  void use(std::vector<Fd> descriptors);
  bool send_blocks(const Fd& socket) const;

  const std::string socket_path_;
  service::Poller& poller_;
  service::NoticeBoard& notices_;
  bool wanted_ = false;
  Fd socket_;
  Packet packet_;
  std::uint64_t tried_ms_ = 0;
  std::uint64_t added_ = 0;     // numbers are given in order, and answered in order
  std::uint64_t answered_ = 0;  // of these
  std::deque<Registered> results_;
  std::optional<KernelRing> ring_;
  std::optional<ConnectionOpeners> openers_;
  bool without_programs_ = false;
  std::optional<ProcessOrigins> origins_;
  Fd blocks_;                  // in memory, sealed
  std::string blocks_digest_;  // of these
  std::string its_blocks_;     // the digest of those that it has, as it said last
};

}  // namespace mailorigin::daemon
