#include "reports/recent_events.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/text.h"
#include "core/ulid.h"

namespace mailorigin::reports {

namespace {

// An event is stored a moment after it has its id, the kernel's later than others; and a
// store that was gone catches up.
constexpr std::uint64_t late_ms = 60'000;
constexpr std::size_t events_at_once = 5'000;
// To find those of one host among all.
constexpr std::size_t looked_through = 20'000;

}  // namespace

bool EventFilter::takes(const Event& event) const {
  const std::string_view name = event.get(Field::vhost);
  const bool of_vhost = vhost.empty() || equal_ignoring_case(name, vhost) ||
                        equal_ignoring_case(name.substr(0, name.rfind(':')), vhost);
  const bool of_verdict =
      verdicts.empty() ||
      std::find(verdicts.begin(), verdicts.end(), event.get(Field::verdict)) != verdicts.end();
  return of_vhost && of_verdict;
}

Result<std::vector<Event>> RecentEvents::take(StoreAccess& store, std::uint64_t from_ms,
                                              std::size_t most) {
  auto found =
      store([&](store::Reader& reader) { return reader.find({.from_ms = from_ms, .most = most}); });
  if (!found) return found.error();
  std::vector<Event> out;
  for (auto event = found->rbegin(); event != found->rend(); ++event) {
    if (!seen_.insert(event->get(Field::id)).second) continue;
    if (filter_.takes(*event)) out.push_back(std::move(*event));
  }
  return out;
}

Result<std::vector<Event>> RecentEvents::last(StoreAccess& store, std::size_t most,
                                              std::uint64_t now_ms) {
  const bool filtered = !filter_.vhost.empty() || !filter_.verdicts.empty();
  auto events = take(store, 1, filtered ? looked_through : most);
  if (!events) return events;
  asked_ms_ = now_ms;
  // What is older than these is nothing that comes; what has come meanwhile is.
  auto others =
      take(store, std::max<std::uint64_t>(now_ms - std::min(now_ms, late_ms), 1), events_at_once);
  if (!others) return others;
  for (Event& event : *others) {
    const bool is_later = !events->empty() && event.get(Field::id) > events->back().get(Field::id);
    if (is_later) events->push_back(std::move(event));
  }
  if (events->size() > most) {
    events->erase(events->begin(), events->end() - static_cast<std::ptrdiff_t>(most));
  }
  return events;
}

Result<std::vector<Event>> RecentEvents::next(StoreAccess& store, std::uint64_t now_ms) {
  const std::uint64_t from_ms = asked_ms_ - std::min(asked_ms_, late_ms);
  auto events = take(store, std::max<std::uint64_t>(from_ms, 1), events_at_once);
  if (!events) return events;
  asked_ms_ = now_ms;
  // Ids sort by time: what is older than anybody is asked for again needs no memory.
  Ulid oldest;
  for (std::size_t i = 0; i < 6; i++) {
    oldest.bytes[i] = static_cast<std::uint8_t>(from_ms >> (40 - 8 * i));
  }
  seen_.erase(seen_.begin(), seen_.lower_bound(oldest.text()));
  return events;
}

}  // namespace mailorigin::reports
