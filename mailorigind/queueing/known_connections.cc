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
  if (event.cookie == 0) return;
  drop(event.cookie);
  Cookies& of_user = of_user_[event.uid];
  const auto place = oldest_first_.insert(oldest_first_.end(), event.cookie);
  const auto place_of_user = of_user.insert(of_user.end(), event.cookie);
  records_.emplace(event.cookie, Record{record_of(event), event.uid, place, place_of_user});
  if (of_user.size() > connections_known_per_user) drop(of_user.front());
  if (records_.size() > connections_known) drop(oldest_first_.front());
}

void KnownConnections::drop(std::uint64_t cookie) {
  const auto record = records_.find(cookie);
  if (record == records_.end()) return;
  oldest_first_.erase(record->second.place);
  const auto of_user = of_user_.find(record->second.uid);
  of_user->second.erase(record->second.place_of_user);
  if (of_user->second.empty()) of_user_.erase(of_user);
  records_.erase(record);
}

std::optional<mo_smtp_event> KnownConnections::find(std::uint64_t cookie,
                                                    std::optional<std::uint64_t> opened_ns,
                                                    KernelRing* ring) const {
  if (cookie == 0) return std::nullopt;
  std::optional<mo_smtp_event> found;
  if (const auto record = records_.find(cookie); record != records_.end()) {
    found.emplace();
    std::memcpy(&*found, record->second.bytes.data(), record->second.bytes.size());
    if (found->boottime_ns == opened_ns) return found;
  }
  if (ring != nullptr) {
    ring->visit(SIZE_MAX, [&](std::string_view bytes) {
      const auto event = smtp_event_of(bytes);
      if (event && event->cookie == cookie) found = event;
    });
  }
  if (found && opened_ns && found->boottime_ns != *opened_ns) found.reset();
  return found;
}

}  // namespace mailorigin::daemon
