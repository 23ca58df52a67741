#include "mailorigind/judging/exceeded_limits.h"

#include <algorithm>
#include <unordered_set>

#include "mailorigind/limits.h"

namespace mailorigin::daemon {

void ExceededLimits::use(const Policy& policy) {
  if (sites_.empty()) return;
  std::unordered_set<std::string_view> configured{policy.server.site};
  for (const VhostPolicy& vhost : policy.vhosts) configured.insert(vhost.site);
  std::erase_if(sites_, [&](const auto& entry) { return !configured.contains(entry.first); });
}

void ExceededLimits::note(const ExceededLimit& exceeded, std::string_view id, Verdict verdict,
                          std::uint64_t now_ms) {
  std::vector<Entry>& entries = sites_[exceeded.site];
  auto entry = std::find_if(entries.begin(), entries.end(), [&](const Entry& each) {
    return each.rule == exceeded.rule && each.who.of == exceeded.of;
  });
  if (entry == entries.end() && entries.size() >= exceeded_kept) {
    entry = std::min_element(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return a.who.last_ms < b.who.last_ms;
    });
    *entry = {exceeded.rule, {exceeded.of}};
  } else if (entry == entries.end()) {
    entry = entries.insert(entry, Entry{exceeded.rule, {exceeded.of}});
  }
  entry->who.count++;
  if (verdict == Verdict::hold) entry->who.held++;
  if (verdict == Verdict::deny && exceeded.no_hold) entry->who.no_hold++;
  entry->who.last_ms = now_ms;
  entry->who.last_id = id;
}

std::vector<LimitedSubject> ExceededLimits::of(const std::string& site,
                                               const LimitRule& rule) const {
  std::vector<LimitedSubject> out;
  const auto found = sites_.find(site);
  if (found == sites_.end()) return out;
  for (const Entry& entry : found->second) {
    if (entry.rule == rule) out.push_back(entry.who);
  }
  std::sort(out.begin(), out.end(),
            [](const LimitedSubject& a, const LimitedSubject& b) { return a.last_ms > b.last_ms; });
  return out;
}

}  // namespace mailorigin::daemon
