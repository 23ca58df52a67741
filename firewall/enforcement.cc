#include "firewall/enforcement.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "core/counted.h"
#include "firewall/group_members.h"
#include "firewall/limits.h"
#include "firewall/mail_accounts.h"
#include "firewall/pins.h"

namespace mailorigin::firewall {

namespace {

std::string listed(const auto& things) {
  std::string text;
  for (const auto& thing : things) {
    if (!text.empty()) text += ", ";
    if constexpr (std::is_arithmetic_v<std::decay_t<decltype(thing)>>) {
      text += std::to_string(thing);
    } else {
      text += thing;
    }
  }
  return text;
}

std::uint32_t uid_of(const TcpConnection& connection) {
  return connection.opener ? connection.opener->uid : connection.uid;
}

std::string advice(const NamedConnections& all) {
  return ". Who does so means to; `mailorigin block user:#" +
         std::to_string(uid_of(all.some.front())) + "` stops that user";
}

}  // namespace

Enforcement::Enforcement(Ground ground, service::NoticeBoard& notices, NameOfVhost name_of_vhost)
    : ground_(std::move(ground)), notices_(notices), name_of_vhost_(std::move(name_of_vhost)) {}

void Enforcement::put_in_force(CompiledPolicy policy, const std::optional<KeyRing>& keys,
                               bool is_news) {
  const bool closes =
      mode_ == FirewallMode::on || (mode_ != FirewallMode::off && policy.blocks != 0);
  if (is_news && closes && !before_) before_ = std::move(compiled_);
  compiled_ = std::move(policy);
  if (compiled_.mode == FirewallMode::off) {
    take_out();
    return;
  }
  const FirewallMode before = mode_;
  const Engine engine_before = engine_;
  load_programs(keys);
  if (is_news) {
    late_.reset();
    // What could not be fed comes with the next one.
    news_generation_ = generation() + (feeding_fault_.empty() ? 0 : 1);
  }
  engine_ = programs_ ? Engine::bpf : Engine::nftables;
  load_table();
  loaded_at_ms_ =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                     std::chrono::system_clock::now().time_since_epoch())
                                     .count());
  const bool is_on = compiled_.mode == FirewallMode::on;
  // What the process before this one was still to close, or held up.
  if (!is_news && engine_before == Engine::none && programs_) {
    late_ = Late{compiled_, compiled_, generation(), Clock::now(), check_interval};
  }
  old_ones_wait_ = is_on && (old_ones_wait_ || mode_ != FirewallMode::on);
  if (old_ones_wait_) before_.reset();
  mode_ = compiled_.mode;
  if (before != mode_ || engine_before != engine_) {
    notices_.say(Notice::Level::notice, "MO0407: the firewall is in force (" +
                                            std::string(firewall_mode_name(mode_)) +
                                            (engine_ == Engine::bpf ? "" : ", by uid alone") +
                                            ") for the ports " + listed(compiled_.ports));
  }
  warn_of_mail_accounts();
  warn_of_group_members();
}

// A start before httpd's: the keys in the kernel are the ones that contexts of
// running requests were sealed with, httpd's file has the newest.
std::optional<KeyRing> Enforcement::keys_to_use(std::optional<KeyRing> pushed) const {
  if (pushed) return pushed;
  std::optional<KeyRing> keys = programs_->keys();
  if (!ground_.key) return keys;
  if (!keys) return KeyRing{*ground_.key, std::nullopt};
  if (keys->current.id != ground_.key->id) keys = KeyRing{*ground_.key, keys->current};
  return keys;
}

void Enforcement::load_programs(const std::optional<KeyRing>& keys) {
  if (keys) pushed_keys_ = keys;
  programs_tried_ = Clock::now();
  const auto try_to = [&]() -> Status {
    if (!ground_.cgroup) return ground_.cgroup.error();
    if (!programs_) {
      auto loaded = Programs::load(ground_.cgroup->get());
      if (!loaded) return loaded.error();
      programs_ = *std::move(loaded);
      (void)left_out_.news(programs_->maps());  // another process has said these
      if (mode_ == FirewallMode::off) mode_ = mode_in_force(programs_->maps());
    }
    if (feed_policy()) return programs_->attach();
    return Error{feeding_fault_};
  };
  const Status done = try_to();
  // Those that enforce already go on with what they have.
  if (!done && !(engine_ == Engine::bpf && !feeding_fault_.empty())) {
    programs_.reset();
    feeding_fault_.clear();
    programs_fault_ = done.error().message;
    notices_.begins("programs", Notice::Level::warning,
                    "MO0402: the firewall's programs cannot run in the kernel: " + programs_fault_ +
                        ". nftables alone decides, by uid: connections are not told apart by "
                        "virtual host, and no script is named");
    return;
  }
  programs_fault_.clear();
  notices_.over("programs", "MO0403: the firewall's programs run in the kernel");
}

// Memory for it may be there again in a moment.
bool Enforcement::feed_policy() {
  const Status fed = feed(programs_->maps(), compiled_, keys_to_use(pushed_keys_), ground_.mark);
  if (fed) {
    feeding_fault_.clear();
    notices_.over("feeding", "MO0427: the policy is in the kernel's maps");
    return true;
  }
  feeding_fault_ = fed.error().message;
  if (engine_ == Engine::bpf) {
    notices_.begins("feeding", Notice::Level::error,
                    "MO0426: the policy cannot be put into the kernel's maps: " + feeding_fault_ +
                        ". The one before it stays in force; it is tried again every few seconds");
  }
  return false;
}

void Enforcement::load_table() {
  refused_ = closer_.held_up();
  const Status loaded =
      nftables_.load(engine_ == Engine::bpf ? marked_rules(compiled_, ground_.mark, refused_)
                                            : uid_rules(compiled_, refused_));
  if (!loaded) {
    table_fault_ = loaded.error().message;
    notices_.begins("table", Notice::Level::error,
                    "MO0404: the table inet mailorigin cannot be loaded: " + table_fault_ +
                        (engine_ == Engine::bpf ? "; the programs in the kernel decide alone"
                                                : "; nothing is enforced"));
    return;
  }
  table_fault_.clear();
  notices_.over("table", "MO0405: the table inet mailorigin is loaded");
}

std::uint32_t Enforcement::generation() const {
  if (!programs_) return 0;
  const auto control = programs_->maps().control.find(KernelMaps::only);
  return control ? control->generation : 0;
}

void Enforcement::close_old() {
  const bool all = std::exchange(old_ones_wait_, false);
  auto before = std::exchange(before_, std::nullopt);
  if (!all && !before) return;
  const bool was_news = before.has_value();
  const auto result =
      close_old_connections(old_connections(compiled_, before, news_generation_), closer_);
  if (!result) {
    notices_.say(
        Notice::Level::warning,
        "MO0408: connections that may not be there any more stay open: " + result.error().message);
  } else if (const NamedConnections& closed = result->closed; closed.count > 0) {
    const std::string what =
        was_news ? "MO0425: " + counted(closed.count,
                                        "connection to an SMTP port that whoever opened it may "
                                        "not have any more was",
                                        "connections to SMTP ports that whoever opened them may "
                                        "not have any more were")
                 : "MO0409: " + counted(closed.count,
                                        "connection to an SMTP port was older than the firewall, "
                                        "of a uid that may not have it, and was",
                                        "connections to SMTP ports were older than the firewall, "
                                        "of uids that may not have them, and were");
    notices_.say(Notice::Level::notice, what + " closed: " + described(closed));
  }
  if (result) say_kept_busy(result->kept_busy);
  refuse_held_up();
  if (programs_) {
    late_ = Late{compiled_, std::move(before), news_generation_, Clock::now(), check_interval};
  }
}

void Enforcement::close_late() {
  if (!late_ || Clock::now() < late_->next) return;
  late_->next = Clock::now() + late_->pause;
  late_->pause = std::min<Clock::duration>(2 * late_->pause, refresh_interval);
  const auto result = close_late_connections(
      old_connections(late_->policy, late_->before, late_->generation), closer_);
  refuse_held_up();
  if (!result) return;
  say_kept_busy(result->kept_busy);
  const NamedConnections& closed = result->closed;
  if (closed.count == 0) return;
  if (const auto before = due(late_ones_)) {
    notices_.say(Notice::Level::warning,
                 "MO0440: " +
                     counted(closed.count,
                             "connection to an SMTP port was begun before the policy in force, "
                             "which refuses it, and opened after it; it was",
                             "connections to SMTP ports were begun before the policy in force, "
                             "which refuses them, and opened after it; they were") +
                     " closed" + *before + ": " + described(closed) + advice(closed));
  }
}

OldConnections Enforcement::old_connections(const CompiledPolicy& policy,
                                            const std::optional<CompiledPolicy>& before,
                                            std::uint32_t generation) const {
  OldConnections old{policy, before ? &*before : nullptr};
  if (programs_) {
    old.openers = programs_->maps().openers;
    old.mark = ground_.mark;
    old.generation = generation;
  }
  return old;
}

void Enforcement::refuse_held_up() {
  const auto by_cookie = [](const auto& entry) { return entry.first; };
  if (!std::ranges::equal(closer_.held_up(), refused_, {}, by_cookie, by_cookie)) load_table();
}

// They may go, or stay, as long as they are held up, and what began at their ends then is refused.
void Enforcement::look_after_held_up() {
  if (closer_.held_up().empty()) return;
  mailorigin::firewall::look_after_held_up(
      old_connections(compiled_, std::nullopt, news_generation_), closer_);
  refuse_held_up();
}

void Enforcement::say_kept_busy(const NamedConnections& kept) {
  if (kept.count == 0) return;
  if (const auto before = due(kept_busy_)) {
    notices_.say(Notice::Level::warning,
                 "MO0447: " +
                     counted(kept.count,
                             "connection to an SMTP port could not be closed at once, since a "
                             "process keeps it busy or the machine is: its packets are",
                             "connections to SMTP ports could not be closed at once, since "
                             "processes keep them busy or the machine is: their packets are") +
                     " refused, and closing goes on" + *before + ": " + described(kept));
  }
}

// Where nobody has noted who opened it, of whom its socket is.
std::string Enforcement::described(const NamedConnections& all) const {
  std::string text;
  for (const TcpConnection& each : all.some) {
    const std::uint32_t id = each.opener ? each.opener->vhost : 0;
    const std::string vhost = id == 0 ? "" : name_of_vhost_(id);
    text += (text.empty() ? "" : "; ") + ("uid " + std::to_string(uid_of(each)));
    if (!vhost.empty()) text += " (" + vhost + ')';
    text += " to " + ip_address_text(each.to) + " port " + std::to_string(each.to_port);
    // Before there were hooks, there were no events.
    if (each.opener) {
      text += " (its event: `mailorigin trace cookie=" + std::to_string(each.cookie) + "`)";
    }
  }
  const std::size_t left = all.count - all.some.size();
  return left == 0 ? text : text + "; and " + std::to_string(left) + " more";
}

void Enforcement::take_out() {
  programs_.reset();
  if (ground_.cgroup) unpin_all();
  nftables_.remove();
  if (engine_ != Engine::none) {
    notices_.say(Notice::Level::notice, "MO0415: the firewall has been taken out of the kernel");
  }
  engine_ = Engine::none;
  mode_ = FirewallMode::off;
  old_ones_wait_ = false;
  before_.reset();
  late_.reset();
  closer_.keep({});
  programs_fault_.clear();
  feeding_fault_.clear();
  pushed_keys_.reset();
  table_fault_.clear();
  refused_accounts_.clear();
  tenants_in_groups_.clear();
  for (const char* finding : {"programs", "feeding", "table", "accounts", "groups"})
    notices_.forget(finding);
}

void Enforcement::warn_of_mail_accounts() {
  auto refused = refused_mail_accounts(compiled_);
  if (refused.empty()) {
    notices_.over("accounts", "MO0423: the firewall lets out every mail server's account");
  } else if (refused != refused_accounts_) {
    notices_.forget("accounts");
  }
  refused_accounts_ = std::move(refused);
  if (refused_accounts_.empty()) return;
  notices_.begins("accounts", Notice::Level::warning,
                  "MO0411: this host has accounts of a mail server that the firewall does not "
                  "let out: " +
                      listed(refused_accounts_) + "; name them in MailOriginSmtpUsers");
}

void Enforcement::warn_of_group_members() {
  auto tenants = tenants_in_groups(compiled_);
  if (tenants != tenants_in_groups_) notices_.forget("groups");
  tenants_in_groups_ = std::move(tenants);
  if (tenants_in_groups_.empty()) return;
  notices_.begins("groups", Notice::Level::warning,
                  "MO0424: users that virtual hosts run as are members of a group of "
                  "MailOriginSmtpUsers, and can make a setgid program of it, which may connect: " +
                      listed(tenants_in_groups_));
}

std::optional<std::string> Enforcement::due(Repeated& repeated) {
  const auto now = Clock::now();
  if (repeated.said && now - *repeated.said < repeated_notice_interval) {
    repeated.count++;
    return std::nullopt;
  }
  std::string before =
      repeated.count == 0 ? "" : " (and " + counted(repeated.count, "time") + " before)";
  repeated = {now, 0};
  return before;
}

void Enforcement::check() {
  if (engine_ == Engine::none) return;
  if (programs_) {
    check_programs();
  } else if (Clock::now() - programs_tried_ >= refresh_interval) {
    put_in_force(CompiledPolicy(compiled_), std::nullopt, false);
  }
  look_after_held_up();
  check_table();
}

void Enforcement::check_programs() {
  close_late();
  if (!feeding_fault_.empty()) (void)feed_policy();
  programs_->registry().drop_empty_shares();
  const auto repaired = programs_->repair();
  if (!repaired || !repaired->empty()) {
    if (const auto before = due(programs_changed_)) {
      notices_.say(Notice::Level::warning,
                   "MO0416: somebody detached or unpinned the firewall's programs: " +
                       (repaired ? listed(*repaired) + "; repaired"
                                 : repaired.error().message + "; not repaired") +
                       *before);
    }
  }
  const std::uint64_t full = programs_->counted().unregistered_full;
  if (full != full_seen_) {
    if (const auto before = due(full_)) {
      notices_.say(Notice::Level::warning,
                   "MO0417: there is no room for more processes with a context: " +
                       counted(full - full_seen_, "was not registered, and its uid decides",
                               "were not registered, and their uid decides"));
      full_seen_ = full;
    }
  }
  say_left_out();
}

void Enforcement::say_left_out() {
  const mo_counters counters = programs_->counted();
  const std::uint64_t without_event = counters.events_capped + counters.events_dropped;
  const auto now = Clock::now();
  if (without_event == without_event_seen_ ||
      (left_out_said_ && now - *left_out_said_ < repeated_notice_interval)) {
    return;
  }
  without_event_seen_ = without_event;
  const std::string text = left_out_.news(programs_->maps());
  if (text.empty()) return;
  left_out_said_ = now;
  notices_.say(Notice::Level::warning,
               "MO0428: connections to SMTP ports were let through without an event, more at once "
               "than there is room for: " +
                   text);
}

void Enforcement::check_table() {
  if (!table_fault_.empty()) {
    load_table();
    return;
  }
  if (nftables_.is_intact()) return;
  load_table();
  if (const auto before = due(table_changed_)) {
    notices_.say(Notice::Level::warning,
                 "MO0406: somebody changed or removed the table inet mailorigin; it has been "
                 "loaded again" +
                     *before);
  }
}

FirewallStatus Enforcement::status() const {
  FirewallStatus status;
  status.engine = engine_ == Engine::bpf        ? "bpf"
                  : engine_ == Engine::nftables ? "nftables"
                                                : "none";
  status.mode = mode_;
  status.loaded_at_ms = loaded_at_ms_;
  status.policy = &compiled_;
  status.refused_accounts = refused_accounts_;
  status.tenants_in_groups = tenants_in_groups_;
  status.programs_fault = programs_fault_;
  status.feeding_fault = feeding_fault_;
  status.table_fault = table_fault_;
  if (programs_) {
    status.counters = programs_->counted();
    status.processes = programs_->registry().processes();
    status.older_workers = find_older_workers(
        programs_->maps().control.find(KernelMaps::only).value_or(mo_control{}), compiled_,
        [this](std::uint32_t tgid) { return programs_->registry().is_registered(tgid); });
  }
  return status;
}

}  // namespace mailorigin::firewall
