// Enforcement: what stands in the kernel, the programs and the table, and the policy
// that they were made of.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/fd.h"
#include "core/key.h"
#include "core/policy.h"
#include "core/result.h"
#include "firewall/compiled_policy.h"
#include "firewall/feeding.h"
#include "firewall/left_out.h"
#include "firewall/nftables.h"
#include "firewall/old_connections.h"
#include "firewall/programs.h"
#include "firewall/status.h"
#include "service/notice_board.h"

namespace mailorigin::firewall {

class Enforcement {
 public:
  // Where it stands.
  struct Ground {
    Result<Fd> cgroup = Error{};  // or why there can be no programs in the kernel
    std::optional<SealKey> key;   // httpd's, of this boot
    Mark mark;
  };

  // A virtual host's name by its id; empty: there is none such (any more).
  using NameOfVhost = std::function<std::string(std::uint32_t id)>;

  // `notices` must outlive it.
  Enforcement(Ground ground, service::NoticeBoard& notices, NameOfVhost name_of_vhost);

  // The mode of the policy that was kept: what is older than its being On was closed then.
  void resume(FirewallMode mode) { mode_ = mode; }

  // Has the programs and the table do what this policy says, with `keys` or else those
  // that the kernel or httpd's file has. Off takes everything out. What cannot be loaded
  // is said. `is_news`: it is not the last one with other addresses of its names.
  void put_in_force(CompiledPolicy policy, const std::optional<KeyRing>& keys, bool is_news);
  void take_out();

  // Once after On, and after each policy that is news: closes the connections that are older,
  // and may not be there any more. check() goes on with those that come late.
  void close_old();

  // Every few seconds: repairs what somebody changed, and says so.
  void check();

  // The programs; null where there are none.
  [[nodiscard]] Programs* programs() { return programs_.get(); }
  // Its pointer to the policy holds until the next put_in_force().
  [[nodiscard]] FirewallStatus status() const;

 private:
  using Clock = std::chrono::steady_clock;
  // Something that may come often.
  struct Repeated {
    std::optional<Clock::time_point> said;
    std::uint64_t count = 0;
  };
  enum class Engine : std::uint8_t { none, bpf, nftables };

  void load_programs(const std::optional<KeyRing>& keys);
  bool feed_policy();
  [[nodiscard]] std::optional<KeyRing> keys_to_use(std::optional<KeyRing> pushed) const;
  void load_table();
  [[nodiscard]] std::uint32_t generation() const;
  void close_late();
  void check_programs();
  void say_left_out();
  void check_table();
  void warn_of_mail_accounts();
  void warn_of_group_members();
  // "" or how often it was before; nothing: not now.
  std::optional<std::string> due(Repeated& repeated);
  // Whose they were, and where they led.
  [[nodiscard]] std::string described(const NamedConnections& all) const;
  [[nodiscard]] OldConnections old_connections(const CompiledPolicy& policy,
                                               const std::optional<CompiledPolicy>& before,
                                               std::uint32_t generation) const;
  void refuse_held_up();
  void look_after_held_up();
  void say_kept_busy(const NamedConnections& kept);

  Ground ground_;
  service::NoticeBoard& notices_;
  const NameOfVhost name_of_vhost_;
  Nftables nftables_;
  std::unique_ptr<Programs> programs_;
  CompiledPolicy compiled_;
  std::vector<std::string> refused_accounts_;
  std::vector<std::string> tenants_in_groups_;
  Engine engine_ = Engine::none;
  FirewallMode mode_ = FirewallMode::off;  // that is in force
  bool old_ones_wait_ = false;             // to be closed
  std::optional<CompiledPolicy> before_;   // what was in force when others than these opened
  // What was closed last by these may begin still: its connect() was judged earlier.
  struct Late {
    CompiledPolicy policy;
    std::optional<CompiledPolicy> before;
    std::uint32_t generation;
    // Looked for ever less often: the host's connections are many, and what comes after a
    // while is closed within as long again.
    Clock::time_point next;
    Clock::duration pause;
  };
  std::optional<Late> late_;
  std::uint32_t news_generation_ = 0;   // that the last policy that was news began with
  std::string programs_fault_;          // why there are none
  std::string feeding_fault_;           // why they have the policy before this one
  std::optional<KeyRing> pushed_keys_;  // httpd's
  Clock::time_point programs_tried_;
  std::string table_fault_;
  std::uint64_t loaded_at_ms_ = 0;
  std::uint64_t full_seen_ = 0;
  std::uint64_t without_event_seen_ = 0;
  LeftOut left_out_;
  std::optional<Clock::time_point> left_out_said_;
  Repeated table_changed_;
  Repeated programs_changed_;
  Repeated full_;
  Repeated late_ones_;
  Repeated kept_busy_;
  Closer closer_;
  Closer::Connections refused_;  // by the table: what was held up when it was loaded
};

}  // namespace mailorigin::firewall
