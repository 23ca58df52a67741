#include "mailorigind/queueing/known_connections.h"

#include <cstring>
#include <string_view>
#include <utility>

#include "mailorigind/connections/smtp_event.h"
#include "mailorigind/judging/origin.h"
#include "mailorigind/limits.h"

namespace mailorigin::daemon {

namespace {

std::string record_of(const mo_smtp_event& event) {
  const OriginParts origin = parts_of(event.origin);
  const std::size_t used = offsetof(mo_smtp_event, origin) + offsetof(mo_origin, bytes) +
                           origin.context.size() + origin.file.size() + origin.caller.size();
  return {reinterpret_cast<const char*>(&event), used};
}

}  // namespace

KnownConnection known_connection(const mo_smtp_event& event, const std::optional<KeyRing>& keys,
                                 const Policy& policy, std::uint64_t boottime_ns) {
  const OriginParts origin = parts_of(event.origin);
  KnownConnection known;
  known.credentials = {static_cast<pid_t>(event.tgid), event.uid, event.gid};
  if (event.verified != 0) {
    known.context = context_verified_by_kernel(origin.context, keys, policy, boottime_ns);
  }
  known.file = origin.file;
  known.caller = origin.caller;
  known.line = event.origin.line;
  known.comm = program_name(event);
  known.exe = program_path(event);
  known.detached = event.detached != 0;
  return known;
}

void KnownConnections::add(const mo_smtp_event& event) {
  if (event.cookie == 0 || !records_.emplace(event.cookie, record_of(event)).second) return;
  oldest_first_.push_back(event.cookie);
  auto& of_user = of_user_[event.uid];
  of_user.push_back(event.cookie);
  if (of_user.size() > connections_known_per_user) {
    records_.erase(of_user.front());
    of_user.pop_front();
  }
  // What its user's own limit has dropped is here still, and counts.
  while (oldest_first_.size() > connections_known) {
    drop(oldest_first_.front());
    oldest_first_.pop_front();
  }
}

void KnownConnections::drop(std::uint64_t cookie) {
  const auto record = records_.find(cookie);
  if (record == records_.end()) return;
  mo_smtp_event event{};
  std::memcpy(&event, record->second.data(), record->second.size());
  records_.erase(record);
  const auto of_user = of_user_.find(event.uid);
  // Of one user they are in the same order.
  if (of_user == of_user_.end()) return;
  of_user->second.pop_front();
  if (of_user->second.empty()) of_user_.erase(of_user);
}

std::optional<mo_smtp_event> KnownConnections::find(std::uint64_t cookie, KernelRing* ring) const {
  if (cookie == 0) return std::nullopt;
  std::optional<mo_smtp_event> found;
  if (const auto record = records_.find(cookie); record != records_.end()) {
    found.emplace();
    std::memcpy(&*found, record->second.data(), record->second.size());
  } else if (ring != nullptr) {
    ring->visit(SIZE_MAX, [&](std::string_view bytes) {
      const auto event = smtp_event_of(bytes);
      if (event && event->cookie == cookie) found = event;
    });
  }
  return found;
}

}  // namespace mailorigin::daemon
