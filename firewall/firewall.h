// Firewall: the parts put together, and the loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/fd.h"
#include "core/key.h"
#include "core/policy.h"
#include "core/result.h"
#include "core/unix_socket.h"
#include "firewall/compiled_policy.h"
#include "firewall/nftables.h"
#include "firewall/programs.h"
#include "firewall/resolver.h"
#include "service/control_desk.h"
#include "service/notice_board.h"
#include "service/poller.h"

namespace mailorigin {

// What main() found out and opened while it was root.
struct FirewallHost {
  std::string state_directory;
  uid_t daemon_uid = 0;
  Mark mark;
  Result<Fd> cgroup = Error{};  // or why there can be no programs in the kernel
  std::optional<SealKey> key;   // httpd's, of this boot
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
  using Clock = std::chrono::steady_clock;
  // Something that may come often.
  struct Repeated {
    std::optional<Clock::time_point> said;
    std::uint64_t count = 0;
  };
  enum class Engine : std::uint8_t { none, bpf, nftables };

  Status take(ControlDesk::Push push);
  Status put_in_force(const Policy& policy, std::optional<KeyRing> keys);
  void load_programs(const CompiledPolicy& policy, const std::optional<KeyRing>& keys);
  [[nodiscard]] std::optional<KeyRing> keys_to_use(std::optional<KeyRing> pushed) const;
  void load_table();
  void close_old();
  void take_out();
  void check();
  void check_programs();
  void check_table();
  void take_names();
  void watch_names(const std::set<std::string>& names);
  void keep_names();
  void forget();
  void warn_of_mail_accounts();
  // "" or how often it was before; nothing: not now.
  std::optional<std::string> due(Repeated& repeated);

  void accept(int listener);
  void read_visitor(int fd);
  // Of root's and of mailorigind's.
  Status answer(const Packet& packet, int socket);
  Status answer_root(const Packet& packet, int socket);
  [[nodiscard]] std::string status() const;
  void loop();

  FirewallHost host_;
  NoticeBoard notices_;
  Poller poller_;
  ControlDesk control_;
  Resolver resolver_;
  Nftables nftables_;
  std::unique_ptr<Programs> programs_;
  std::unordered_map<int, Fd> visitors_;
  Packet packet_;
  Fd signals_;

  std::optional<Policy> policy_;
  CompiledPolicy compiled_;
  NameAddresses names_;
  std::set<std::string> failed_names_;
  std::vector<std::string> refused_accounts_;
  Engine engine_ = Engine::none;
  FirewallMode mode_ = FirewallMode::off;  // that is in force
  bool old_ones_wait_ = false;             // until every name was asked for once
  std::string programs_fault_;             // why there are none
  std::string table_fault_;
  std::uint64_t loaded_at_ms_ = 0;
  std::uint64_t full_seen_ = 0;
  Repeated table_changed_;
  Repeated programs_changed_;
  Repeated full_;
};

}  // namespace mailorigin
