#include "firewall/firewall.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/context.h"
#include "core/wire/control.h"
#include "core/wire/firewall.h"
#include "firewall/limits.h"
#include "firewall/status.h"
#include "firewall/taken_out.h"
#include "service/signals.h"

namespace mailorigin::firewall {

namespace {

using Clock = std::chrono::steady_clock;

// Since the epoch: blocks end by the wall clock.
std::uint64_t now_ms() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

}  // namespace

Firewall::Firewall(FirewallHost host)
    : host_(std::move(host)),
      kept_policy_(
          host_.state_directory, notices_,
          {{"MO0414: ", "; until httpd sends its configuration what was in the kernel stays there"},
           {"MO0412: ", "; the policy is in force, but the next boot will not have it"},
           "MO0413: the policy is kept again"}),
      poller_(ready_per_turn, 1),
      control_(poller_, notices_,
               {[this](Policy policy) { return prepare(std::move(policy)); },
                [this](const Packet& packet, int socket) { return answer_root(packet, socket); }}),
      names_(host_.state_directory, notices_),
      blocks_(host_.state_directory, notices_),
      enforcement_(std::move(host_.ground), notices_, [this](std::uint32_t id) {
        const VhostPolicy* const vhost = policy_ ? policy_->by_id(id) : nullptr;
        return vhost != nullptr ? vhost->name : std::string();
      }) {}

Firewall::~Firewall() = default;

Result<bool> Firewall::start() {
  if (!host_.own_procfs) {
    notices_.begins("procfs", Notice::Level::warning,
                    "MO0445: mailorigin-firewall has no /proc of its own (" +
                        host_.own_procfs.error().message + "): a tenant can keep it waiting");
  }
  taken_out_ns_ = load_taken_out(host_.state_directory);
  names_.load();
  blocks_.load();
  blocks_.expire(now_ms());
  const auto policy = kept_policy_.load();
  if (!policy) return false;
  enforcement_.resume(policy->firewall.mode);
  if (Status done = put_in_force(*policy, std::nullopt, false); !done) return done.error();
  return true;
}

// On a thread of its own. It comes without descriptors: logs are the daemon's.
service::PreparedPolicy Firewall::prepare(Policy policy) {
  return {0, [this, policy = std::make_shared<const Policy>(std::move(policy))](
                 const service::PolicyPush& push) { return take(*policy, push); }};
}

Status Firewall::take(const Policy& policy, const service::PolicyPush& push) {
  // Taken out until httpd's next start or reload: this one only comes late.
  if (push.read_ns < taken_out_ns_) return Done{};
  if (Status done = put_in_force(policy, push.keys, true); !done) return done;
  if (std::exchange(taken_out_ns_, 0) != 0) forget_taken_out(host_.state_directory);
  if (policy_) kept_policy_.keep(push.encoded);
  return Done{};
}

Status Firewall::put_in_force(const Policy& policy, std::optional<KeyRing> keys, bool is_news) {
  auto compiled = compile(policy, names_.addresses(), blocks_.in_force());
  if (!compiled) return compiled.error();
  const auto names = names_to_resolve(policy);
  if (names.size() > names_limit) {
    return Error{"MailOriginSmtpAllow and redirect name more than " + std::to_string(names_limit) +
                 " different hosts"};
  }
  const bool is_off = compiled->mode == FirewallMode::off;
  if (!is_off) {
    policy_ = policy;
    names_.watch(names);
  }
  enforcement_.put_in_force(*std::move(compiled), keys, is_news);
  if (is_off) forget();
  return Done{};
}

// What is kept here is what httpd goes by to tell whether there is something to take out.
void Firewall::forget() {
  kept_policy_.forget();
  policy_.reset();
  names_.forget();
}

Status Firewall::take_blocks(const Packet& packet) {
  const auto changed = blocks_.take(packet);
  if (!changed) return changed.error();
  if (!*changed) return Done{};
  blocks_.expire(now_ms());
  put_blocks_in_force();
  blocks_.keep();
  return Done{};
}

// Without a policy they wait for one. What they refuse and is open is closed, as with any
// other policy, once take_names() has heard that the names are known.
void Firewall::put_blocks_in_force() {
  if (!policy_) return;
  const Policy policy = *policy_;
  if (const Status done = put_in_force(policy, std::nullopt, true); !done) {
    notices_.say(Notice::Level::error,
                 "MO0438: what is blocked cannot be put in force: " + done.error().message);
  }
}

void Firewall::take_names() {
  const AllowedNames::News news = names_.take();
  if (!policy_) return;
  if (news.changed) {
    const Policy policy = *policy_;
    if (const Status done = put_in_force(policy, std::nullopt, false); !done) {
      notices_.say(Notice::Level::error, "MO0419: the addresses of names cannot be put in force: " +
                                             done.error().message);
    }
  }
  // Not before: they may be to what is allowed by name.
  if (news.complete) enforcement_.close_old();
}

void Firewall::accept(int listener) {
  while (auto peer = accept_peer(listener)) {
    if (peer->credentials.uid == 0) {
      control_.adopt(std::move(peer->socket));
    } else if (peer->credentials.uid == host_.daemon_uid && visitors_.size() < visitors_limit) {
      const int fd = peer->socket.get();
      if (poller_.watch(service::Source::visitor, fd)) visitors_[fd] = std::move(peer->socket);
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
      const Programs* programs = enforcement_.programs();
      if (programs == nullptr) {
        send_now(socket, encode_head(MessageType::ring));
        return Done{};
      }
      std::vector<int> descriptors = {programs->maps().events, programs->teller()};
      if (programs->origins() >= 0) descriptors.push_back(programs->origins());
      return send_packet(socket, encode_head(MessageType::ring), Clock::now(), descriptors);
    }
    case MessageType::blocks: {
      const Status taken = take_blocks(packet);
      // Where they cannot be read, mailorigind hears that others are here.
      send_now(socket, encode_blocks_digest(blocks_.digest()));
      return taken;
    }
    case MessageType::process: {
      const auto registration = decode_process(packet.bytes);
      if (!registration) return registration.error();
      // mailorigind lets the process wait until it is known.
      Programs* programs = enforcement_.programs();
      const bool registered =
          programs != nullptr && programs->registry().register_process(*registration);
      // One that does not hear it would take later replies for this one.
      if (!send_now(socket, encode_reply(registered ? "" : "there is no room for it"))) break;
      return Done{};
    }
    default:
      break;
  }
  return Error{"this is not understood here"};
}

Status Firewall::answer_root(const Packet& packet, int socket) {
  if (message_type(packet.bytes) != MessageType::remove) return answer(packet, socket);
  enforcement_.take_out();
  forget();
  visitors_.clear();  // mailorigind asks anew, and hears that there are no programs
  taken_out_ns_ = boottime_now_ns();
  const Status kept = keep_taken_out(host_.state_directory, taken_out_ns_);
  send_now(socket, encode_reply(kept ? "" : kept.error().message));
  return Done{};
}

std::string Firewall::status() const {
  FirewallStatus status = enforcement_.status();
  status.failed_names = names_.failed();
  if (!host_.own_procfs) status.procfs_fault = host_.own_procfs.error().message;
  status.blocks = blocks_.in_force().list().size();
  return status_json(status);
}

Status Firewall::run() {
  signals_ = service::ending_signals();
  bool watched = poller_.valid() && signals_ &&
                 poller_.watch(service::Source::signals, signals_.get()) &&
                 poller_.watch(service::Source::control_listener, host_.listener.get()) &&
                 poller_.watch(service::Source::notices, notices_.fd()) &&
                 poller_.watch(service::Source::names, names_.fd());
  if (host_.lifeline) {
    watched = watched && poller_.watch(service::Source::lifeline, host_.lifeline.get());
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
    for (const service::Poller::Ready& one : ready) {
      switch (one.source) {
        case service::Source::control_listener:
          accept(one.fd);
          break;
        case service::Source::control:
          control_.read(one.fd);
          break;
        case service::Source::visitor:
          read_visitor(one.fd);
          break;
        case service::Source::names:
          take_names();
          break;
        case service::Source::signals:
        case service::Source::lifeline:
          ending = true;
          break;
        default:
          break;
      }
    }
    if (Clock::now() >= next_check) {
      if (blocks_.expire(now_ms())) put_blocks_in_force();
      enforcement_.check();
      next_check = Clock::now() + check_interval;
    }
    if (notices_.waiting()) control_.pass_notices();
    if (ending) return;
  }
}

void Firewall::print_notices() {
  for (const Notice& notice : notices_.take()) service::print_notice(notice);
}

}  // namespace mailorigin::firewall
