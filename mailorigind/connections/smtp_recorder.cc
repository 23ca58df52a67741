#include "mailorigind/connections/smtp_recorder.h"

#include <linux/bpf.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "core/seal.h"
#include "core/smtp_policy.h"
#include "core/verdict.h"
#include "mailorigind/connections/smtp_event.h"
#include "mailorigind/journal/event_record.h"
#include "mailorigind/judging/origin.h"
#include "mailorigind/limits.h"

namespace mailorigin::daemon {

namespace {

std::string address_text(const std::uint8_t (&bytes)[16]) {
  IpAddress address;
  std::copy(std::begin(bytes), std::end(bytes), address.begin());
  return ip_address_text(address);
}

// The kernel's programs know no hold.
Verdict verdict_of(std::uint8_t verdict) {
  switch (verdict) {
    case mo_allow:
      return Verdict::allow;
    case mo_observe:
      return Verdict::observe;
    case mo_redirect:
      return Verdict::redirect;
    default:
      return Verdict::deny;
  }
}

std::string_view reason_name(std::uint8_t reason) {
  switch (reason) {
    case mo_reason_smtp:
      return "smtp";
    case mo_reason_local:
      return "smtp-local";
    case mo_reason_unverified:
      return "unverified";
    case mo_reason_older:
      return "older-worker";
    case mo_reason_allowed:
      return "smtp-allow";
    case mo_reason_blocked:
      return "blocked";
    default:
      return "";
  }
}

}  // namespace

void JournalledConnections::add(std::string_view payload) {
  const auto number = payload_connection(payload);
  if (number) add(payload_policy(payload).value_or(0), std::string(*number));
}

void JournalledConnections::add(std::uint32_t policy, std::string number) {
  // A connection is in its host's logs, and among the refused ones.
  constexpr std::size_t records_in_ring = mo_ring_size / (BPF_RINGBUF_HDR_SZ + short_smtp_event);
  records_.emplace_back(policy, std::move(number));
  if (records_.size() > 2 * records_in_ring) records_.pop_front();
}

bool JournalledConnections::has(std::uint32_t policy, const std::string& number) const {
  return std::find(records_.begin(), records_.end(), std::pair{policy, number}) != records_.end();
}

// Starts all lookups at once. True while it is worth waiting for one of them: not
// again and again, or whoever has many uids could stop everybody's events.
bool SmtpRecorder::waits_for_names(const Moment& moment) {
  const std::uint64_t now_ms = moment.elapsed_ms();
  bool all_known = true;
  for (const mo_smtp_event& connection : read_) {
    all_known = names_.known(connection.uid, now_ms) && all_known;
  }
  if (all_known) return false;
  if (waited_ms_ == 0 || now_ms - waited_ms_ >= ring_wait_interval_ms) waited_ms_ = now_ms;
  return now_ms - waited_ms_ < name_wait_ms;
}

void SmtpRecorder::record(KernelRing& ring, const Moment& moment) {
  read_.clear();
  added_.clear();
  ring.visit(connections_per_turn, [&](std::string_view record) {
    if (const auto connection = smtp_event_of(record)) read_.push_back(*connection);
  });
  if (waits_for_names(moment)) return;
  for (const mo_smtp_event& connection : read_) append(connection, moment);
  if (!recording_.append()) return;
  for (const mo_smtp_event& connection : read_) known_.add(connection);
  for (auto& [policy, number] : added_) journalled_.add(policy, std::move(number));
  if (ring.take()) journalled_.clear();
}

void SmtpRecorder::append(const mo_smtp_event& connection, const Moment& moment) {
  const VhostPolicy* vhost = policy_->policy().by_id(connection.vhost);
  if (vhost == nullptr) vhost = &policy_->policy().server;
  describe(connection, *vhost, moment);
  const std::string number =
      std::to_string(connection.boottime_ns) + '-' + std::to_string(connection.tgid);
  const auto add = [&](std::uint32_t policy) {
    if (journalled_.has(policy, number)) return;
    recording_.add([&](std::string& out) { append_connection(out, policy, number, event_); });
    added_.emplace_back(policy, number);
  };
  add(vhost->id);
  if (connection.verdict == mo_deny && policy_->policy().refused_log) add(refused_connections);
}

void SmtpRecorder::describe(const mo_smtp_event& connection, const VhostPolicy& vhost,
                            const Moment& moment) {
  event_.clear();
  const std::uint64_t age_ms =
      (moment.boottime_ns - std::min(moment.boottime_ns, connection.boottime_ns)) / 1'000'000;
  stamp_.put(event_, moment.wall_ms - age_ms);
  event_.set(Field::kind, smtp_kind);
  event_.set(Field::verdict, verdict_name(verdict_of(connection.verdict)));
  event_.set(Field::reason, reason_name(connection.reason));
  if (connection.verified != 0) {
    describe_context(connection, moment);
  } else if (vhost.id != policy_->policy().server.id) {
    describe_owner(event_, vhost);
  }
  if (connection.reason == mo_reason_blocked) {
    const Block* const block = judge_.block_of_connection(connection.uid, vhost);
    if (block != nullptr) event_.set(Field::block, block->description());
  }
  const OriginParts origin = parts_of(connection.origin);
  event_.set(Field::file, origin.file);
  event_.set(Field::caller, origin.caller);
  if (connection.origin.line != 0) event_.set(Field::line, std::uint64_t{connection.origin.line});
  event_.set(Field::pid, std::uint64_t{connection.tgid});
  event_.set(Field::uid, std::uint64_t{connection.uid});
  event_.set(Field::gid, std::uint64_t{connection.gid});
  event_.set(Field::user, names_.name(connection.uid));
  event_.set(Field::dst, address_text(connection.address));
  event_.set(Field::cookie, connection.cookie);
  event_.set(Field::dst_port, std::uint64_t{connection.port});
  if (connection.verdict == mo_redirect) {
    const std::string relay = address_text(connection.relay);
    const std::string port = std::to_string(connection.relay_port);
    const bool brackets = relay.find(':') != std::string::npos;
    event_.set(Field::relay, (brackets ? '[' + relay + ']' : relay) + ':' + port);
  }
  event_.set(Field::comm, program_name(connection));
  event_.set(Field::exe, program_path(connection));
  event_.set(Field::detached, connection.detached != 0);
}

// The kernel has checked the tag; the seal of the whole, which it does not check,
// decides about the details.
void SmtpRecorder::describe_context(const mo_smtp_event& connection, const Moment& moment) {
  const std::string_view bytes = parts_of(connection.origin).context;
  if (keys_ && bytes.size() > ContextTag::size) {
    const Unsealed unsealed = unseal_bytes(bytes, *keys_, moment.boottime_ns);
    if (unsealed.context) {
      describe_origin(event_, *unsealed.context, policy_->policy());
      return;
    }
  }
  const auto tag = decode_tag(bytes);
  if (!tag) return;
  event_.set(Field::verified, true);
  event_.set(Field::truncated, true);
  event_.set(Field::request_id, tag->request_id.text());
  if (const VhostPolicy* vhost = policy_->policy().by_id(tag->vhost_id)) {
    describe_owner(event_, *vhost);
  }
}

}  // namespace mailorigin::daemon
