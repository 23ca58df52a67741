#include "firewall/firewall.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/wire.h"
#include "firewall/kept_names.h"
#include "firewall/limits.h"
#include "firewall/mail_accounts.h"
#include "firewall/old_connections.h"
#include "firewall/status.h"
#include "service/policy_file.h"
#include "service/signals.h"

namespace mailorigin {

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

bool send_now(int socket, std::string_view packet) {
  return send(socket, packet.data(), packet.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

}  // namespace

Firewall::Firewall(FirewallHost host)
    : host_(std::move(host)),
      poller_(ready_per_turn, 1),
      control_(poller_, notices_,
               {[](const Policy&) { return std::size_t{0}; },
                [this](ControlDesk::Push push) { return take(std::move(push)); },
                [this](const Packet& packet, int socket) { return answer_root(packet, socket); }}) {
}

Firewall::~Firewall() = default;

Result<bool> Firewall::start() {
  if (auto names = load_names(host_.state_directory)) {
    names_ = *std::move(names);
  } else {
    notices_.say(Notice::Level::error,
                 "MO0420: the kept addresses of names are ignored: " + names.error().message +
                     "; what is allowed by name is refused until the name resolves");
  }
  auto policy = load_policy(host_.state_directory);
  if (!policy) {
    notices_.say(Notice::Level::error, "MO0414: " + policy.error().message +
                                           "; until httpd sends its configuration what was in "
                                           "the kernel stays there");
    return false;
  }
  if (!*policy) return false;
  // Connections that are older than its being On were closed then.
  mode_ = (*policy)->firewall.mode;
  if (Status done = put_in_force(**policy, std::nullopt); !done) return done.error();
  return true;
}

Status Firewall::take(ControlDesk::Push push) {
  if (Status done = put_in_force(push.policy, push.keys); !done) return done;
  if (compiled_.mode == FirewallMode::off) return Done{};
  if (const Status saved = save_policy(host_.state_directory, push.encoded); !saved) {
    notices_.begins("policy", Notice::Level::error,
                    "MO0412: " + saved.error().message +
                        "; the policy is in force, but the next boot will not have it");
  } else {
    notices_.over("policy", "MO0413: the policy is kept again");
  }
  return Done{};
}

Status Firewall::put_in_force(const Policy& policy, std::optional<KeyRing> keys) {
  auto compiled = compile(policy, names_);
  if (!compiled) return compiled.error();
  const auto names = names_to_resolve(policy);
  if (names.size() > names_limit) {
    return Error{"MailOriginSmtpAllow and redirect name more than " + std::to_string(names_limit) +
                 " different hosts"};
  }
  policy_ = policy;
  compiled_ = *std::move(compiled);
  if (compiled_.mode == FirewallMode::off) {
    take_out();
    forget();
    return Done{};
  }
  watch_names(names);
  const FirewallMode before = mode_;
  const Engine engine_before = engine_;
  load_programs(compiled_, keys);
  engine_ = programs_ ? Engine::bpf : Engine::nftables;
  load_table();
  loaded_at_ms_ =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                     std::chrono::system_clock::now().time_since_epoch())
                                     .count());
  const bool is_on = compiled_.mode == FirewallMode::on;
  old_ones_wait_ = is_on && (old_ones_wait_ || mode_ != FirewallMode::on);
  mode_ = compiled_.mode;
  if (before != mode_ || engine_before != engine_) {
    notices_.say(Notice::Level::notice, "MO0407: the firewall is in force (" +
                                            std::string(firewall_mode_name(mode_)) +
                                            (engine_ == Engine::bpf ? "" : ", by uid alone") +
                                            ") for the ports " + listed(compiled_.ports));
  }
  warn_of_mail_accounts();
  return Done{};
}

// A start before httpd's: the keys in the kernel are the ones that contexts of
// running requests were sealed with, httpd's file has the newest.
std::optional<KeyRing> Firewall::keys_to_use(std::optional<KeyRing> pushed) const {
  if (pushed) return pushed;
  std::optional<KeyRing> keys = programs_->keys();
  if (!host_.key) return keys;
  if (!keys) return KeyRing{*host_.key, std::nullopt};
  if (keys->current.id != host_.key->id) keys = KeyRing{*host_.key, keys->current};
  return keys;
}

void Firewall::load_programs(const CompiledPolicy& policy, const std::optional<KeyRing>& keys) {
  const auto try_to = [&]() -> Status {
    if (!host_.cgroup) return host_.cgroup.error();
    if (!programs_) {
      auto loaded = Programs::load(host_.cgroup->get());
      if (!loaded) return loaded.error();
      programs_ = *std::move(loaded);
      if (mode_ == FirewallMode::off) mode_ = programs_->mode();
    }
    if (Status fed = programs_->feed(policy, keys_to_use(keys), host_.mark); !fed) return fed;
    return programs_->attach();
  };
  if (const Status done = try_to(); !done) {
    programs_.reset();
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

void Firewall::load_table() {
  const Status loaded = nftables_.load(engine_ == Engine::bpf ? marked_rules(compiled_, host_.mark)
                                                              : uid_rules(compiled_));
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

void Firewall::close_old() {
  old_ones_wait_ = false;
  const auto closed = close_old_connections(compiled_);
  if (!closed) {
    notices_.say(Notice::Level::warning,
                 "MO0408: connections that are older than the firewall stay open: " +
                     closed.error().message);
  } else if (*closed > 0) {
    notices_.say(Notice::Level::notice,
                 "MO0409: " + std::to_string(*closed) +
                     " connections to SMTP ports were older than the firewall, of uids that may "
                     "not have them, and were closed");
  }
}

void Firewall::take_out() {
  programs_.reset();
  if (host_.cgroup) Programs::remove();
  nftables_.remove();
  if (engine_ != Engine::none) {
    notices_.say(Notice::Level::notice, "MO0415: the firewall has been taken out of the kernel");
  }
  engine_ = Engine::none;
  mode_ = FirewallMode::off;
  old_ones_wait_ = false;
  programs_fault_.clear();
  table_fault_.clear();
  refused_accounts_.clear();
  for (const char* finding : {"programs", "table", "accounts"}) notices_.forget(finding);
}

// What is kept here is what httpd goes by to tell whether there is something to take out.
void Firewall::forget() {
  for (const char* name : {"/policy", "/names"}) unlink((host_.state_directory + name).c_str());
  for (const char* finding : {"policy", "names"}) notices_.forget(finding);
  policy_.reset();
  names_.clear();
  watch_names({});
}

void Firewall::warn_of_mail_accounts() {
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

std::optional<std::string> Firewall::due(Repeated& repeated) {
  const auto now = Clock::now();
  if (repeated.said && now - *repeated.said < repeated_notice_interval) {
    repeated.count++;
    return std::nullopt;
  }
  std::string before =
      repeated.count == 0 ? "" : " (and " + std::to_string(repeated.count) + " times before)";
  repeated = {now, 0};
  return before;
}

void Firewall::check() {
  if (engine_ == Engine::none) return;
  if (programs_) check_programs();
  check_table();
}

void Firewall::check_programs() {
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
  const std::uint64_t full = programs_->counters().unregistered_full;
  if (full != full_seen_) {
    if (const auto before = due(full_)) {
      notices_.say(Notice::Level::warning,
                   "MO0417: there is no room for more processes with a context: " +
                       std::to_string(full - full_seen_) +
                       " were not registered, and their uid decides");
      full_seen_ = full;
    }
  }
}

void Firewall::check_table() {
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

void Firewall::watch_names(const std::set<std::string>& names) {
  resolver_.watch(names, names_);
  for (const std::string& name : failed_names_) {
    if (!names.contains(name)) notices_.forget("name " + name);
  }
  std::erase_if(failed_names_, [&](const std::string& name) { return !names.contains(name); });
  if (std::erase_if(names_, [&](const auto& each) { return !names.contains(each.first); }) > 0) {
    keep_names();
  }
}

void Firewall::keep_names() {
  if (const Status saved = save_names(host_.state_directory, names_); !saved) {
    notices_.begins("names", Notice::Level::error,
                    "MO0421: " + saved.error().message +
                        "; the addresses of names are in force, but the next start will not have "
                        "them");
  } else {
    notices_.over("names", "MO0422: the addresses of names are kept again");
  }
}

void Firewall::take_names() {
  Resolver::Round round = resolver_.take();
  for (const std::string& name : round.failed) {
    notices_.begins("name " + name, Notice::Level::warning,
                    "MO0410: " + name +
                        " (MailOriginSmtpAllow, MailOriginSmtp redirect) does not resolve; " +
                        (round.found.contains(name) ? "its last addresses stay allowed"
                                                    : "no address is allowed for it"));
  }
  for (const std::string& name : failed_names_) {
    if (!round.failed.contains(name)) {
      notices_.over("name " + name, "MO0418: " + name + " resolves again");
    }
  }
  failed_names_ = std::move(round.failed);
  if (!policy_) return;
  if (round.found != names_) {
    names_ = std::move(round.found);
    keep_names();
    const Policy policy = *policy_;
    if (const Status done = put_in_force(policy, std::nullopt); !done) {
      notices_.say(Notice::Level::error, "MO0419: the addresses of names cannot be put in force: " +
                                             done.error().message);
    }
  }
  // Not before: they may be to what is allowed by name.
  if (old_ones_wait_ && round.complete) close_old();
}

void Firewall::accept(int listener) {
  while (auto peer = accept_peer(listener)) {
    if (peer->credentials.uid == 0) {
      control_.adopt(std::move(peer->socket));
    } else if (peer->credentials.uid == host_.daemon_uid && visitors_.size() < visitors_limit) {
      const int fd = peer->socket.get();
      if (poller_.watch(Source::visitor, fd)) visitors_[fd] = std::move(peer->socket);
    }
  }
}

void Firewall::read_visitor(int fd) {
  for (std::size_t i = 0; i < packets_per_turn; i++) {
    const Received received = receive_packet(fd, packet_, packet_limit);
    if (received == Received::nothing_yet) return;
    if (received != Received::packet || !answer(packet_, fd)) {
      visitors_.erase(fd);
      return;
    }
  }
}

Status Firewall::answer(const Packet& packet, int socket) {
  switch (message_type(packet.bytes).value_or(MessageType::policy)) {
    case MessageType::status:
      send_now(socket, encode_status_reply(status()));
      return Done{};
    case MessageType::attach: {
      // No ring: there are no programs, or not yet; asked again later.
      if (!programs_) {
        send_now(socket, encode_head(MessageType::ring));
        return Done{};
      }
      return send_packet(socket, encode_head(MessageType::ring), Clock::now(), {programs_->ring()});
    }
    case MessageType::process: {
      mo_registration registration{};
      if (packet.bytes.size() != 4 + sizeof registration) break;
      std::memcpy(&registration, packet.bytes.data() + 4, sizeof registration);
      // mailorigind lets the process wait until it is known.
      const bool added = programs_ && programs_->add(registration);
      // One that does not hear it would take later replies for this one.
      if (!send_now(socket, encode_reply(added ? "" : "there is no room for it"))) break;
      return Done{};
    }
    default:
      break;
  }
  return Error{"this is not understood here"};
}

Status Firewall::answer_root(const Packet& packet, int socket) {
  if (message_type(packet.bytes) != MessageType::remove) return answer(packet, socket);
  take_out();
  forget();
  send_now(socket, encode_reply(""));
  return Done{};
}

std::string Firewall::status() const {
  FirewallStatus status;
  status.engine = engine_ == Engine::bpf        ? "bpf"
                  : engine_ == Engine::nftables ? "nftables"
                                                : "none";
  status.mode = mode_;
  status.loaded_at_ms = loaded_at_ms_;
  status.policy = &compiled_;
  status.failed_names = failed_names_;
  status.refused_accounts = refused_accounts_;
  status.programs_fault = programs_fault_;
  status.table_fault = table_fault_;
  if (programs_) {
    status.counters = programs_->counters();
    status.processes = programs_->processes();
    status.older_workers =
        count_older_workers(programs_->first_loaded_ticks(),
                            [this](std::uint32_t tgid) { return programs_->is_registered(tgid); });
  }
  return status_json(status);
}

Status Firewall::run() {
  signals_ = ending_signals();
  bool watched = poller_.valid() && signals_ && poller_.watch(Source::signals, signals_.get()) &&
                 poller_.watch(Source::control_listener, host_.listener.get()) &&
                 poller_.watch(Source::notices, notices_.fd()) &&
                 poller_.watch(Source::names, resolver_.fd());
  if (host_.lifeline) {
    watched = watched && poller_.watch(Source::lifeline, host_.lifeline.get());
  }
  if (!watched) return system_error("epoll", errno);
  loop();
  control_.pass_notices();
  return Done{};
}

void Firewall::loop() {
  auto next_check = Clock::now() + check_interval;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(next_check - Clock::now());
    const auto ready = poller_.wait(static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    bool ending = false;
    for (const Poller::Ready& one : ready) {
      switch (one.source) {
        case Source::control_listener:
          accept(one.fd);
          break;
        case Source::control:
          control_.read(one.fd);
          break;
        case Source::visitor:
          read_visitor(one.fd);
          break;
        case Source::names:
          take_names();
          break;
        case Source::signals:
        case Source::lifeline:
          ending = true;
          break;
        default:
          break;
      }
    }
    if (Clock::now() >= next_check) {
      check();
      next_check = Clock::now() + check_interval;
    }
    if (notices_.waiting()) control_.pass_notices();
    if (ending) return;
  }
}

void Firewall::print_notices() {
  for (const Notice& notice : notices_.take()) print_notice(notice);
}

}  // namespace mailorigin
