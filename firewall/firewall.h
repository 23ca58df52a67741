// Firewall: the parts put together, and the loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "core/fd.h"
#include "core/policy.h"
#include "core/result.h"
#include "core/unix_socket.h"
#include "firewall/allowed_names.h"
#include "firewall/enforcement.h"
#include "firewall/given_blocks.h"
#include "service/control_desk.h"
#include "service/notice_board.h"
#include "service/policy_file.h"
#include "service/poller.h"

namespace mailorigin::firewall {

// What main() found out and opened while it was root.
struct FirewallHost {
  std::string state_directory;
  Status own_procfs = Done{};  // that there is one, or why not
  uid_t daemon_uid = 0;
  Enforcement::Ground ground;
  Fd listener;
  Fd lifeline;
};

class Firewall {
 public:
  explicit Firewall(FirewallHost host);
  ~Firewall();
  Firewall(const Firewall&) = delete;
  Firewall& operator=(const Firewall&) = delete;

  // Puts the policy that was kept into force, if there is one. False: there is none.
  Result<bool> start();

  // Until SIGTERM, SIGINT or the lifeline's end. What is in the kernel stays.
  Status run();

  // What there is to say, to standard error.
  void print_notices();

 private:
  service::PreparedPolicy prepare(Policy policy);
  Status take(const Policy& policy, const service::PolicyPush& push);
  Status put_in_force(const Policy& policy, std::optional<KeyRing> keys, bool is_news);
  Status take_blocks(const Packet& packet);
  void put_blocks_in_force();
  void take_names();
  void forget();

  void accept(int listener);
  void read_visitor(int fd);
  // Of root's and of mailorigind's.
  Status answer(const Packet& packet, int socket);
  Status answer_root(const Packet& packet, int socket);
  [[nodiscard]] std::string status() const;
  void loop();

  FirewallHost host_;
  service::NoticeBoard notices_;
  service::PolicyKeeper kept_policy_;
  service::Poller poller_;
  service::ControlDesk control_;
  AllowedNames names_;
  GivenBlocks blocks_;
  Enforcement enforcement_;
  std::uint64_t taken_out_ns_ = 0;  // by root, with --remove; CLOCK_BOOTTIME
  std::optional<Policy> policy_;    // for new addresses of its names
  std::unordered_map<int, Fd> visitors_;
  Packet packet_;
  Fd signals_;
};

}  // namespace mailorigin::firewall
