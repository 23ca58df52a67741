#include "mailorigind/judging/known_process.h"

#include <algorithm>
#include <utility>

#include "mailorigind/connections/smtp_event.h"
#include "mailorigind/judging/decision.h"
#include "mailorigind/judging/origin.h"

namespace mailorigin::daemon {

std::optional<KnownProcess> known_process(const mo_snapshot& snapshot,
                                          const std::vector<Process>& lineage, uid_t uid,
                                          const std::optional<KeyRing>& keys, const Policy& policy,
                                          std::uint64_t boottime_ns) {
  const Process& process = lineage.front();
  const bool is_its = process.start != 0 && process.start == snapshot.start_ticks;
  if (!is_its || snapshot.verified == 0 || snapshot.uid != uid) return std::nullopt;
  const OriginParts parts = parts_of(snapshot.origin);
  auto context = context_verified_by_kernel(parts.context, keys, policy, boottime_ns);
  if (!context || !uid_refusal(*context, uid, policy.by_id(context->tag.vhost_id)).empty()) {
    return std::nullopt;
  }
  const Process worker{static_cast<pid_t>(snapshot.worker), snapshot.worker_start_ticks};
  return KnownProcess{*std::move(context),
                      std::string(parts.file),
                      std::string(parts.caller),
                      snapshot.origin.line,
                      worker,
                      std::find(lineage.begin(), lineage.end(), worker) == lineage.end()};
}

}  // namespace mailorigin::daemon
