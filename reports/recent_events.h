// `mailorigin tail`: events as they come into the store.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/event.h"
#include "core/result.h"
#include "reports/store_access.h"

namespace mailorigin::reports {

struct EventFilter {
  std::string vhost;                  // ServerName:port, or ServerName for all ports; empty: all
  std::vector<std::string> verdicts;  // none: all
  [[nodiscard]] bool takes(const Event& event) const;
};

// Goes on where it was: each event once, in the order of their time as far as they come in it.
// The store is asked, not the daemon: whoever looks on costs those nothing who send, and is not
// cut off by the daemon's restart.
class RecentEvents {
 public:
  explicit RecentEvents(EventFilter filter) : filter_(std::move(filter)) {}

  // The last `most` of them up to now.
  Result<std::vector<Event>> last(StoreAccess& store, std::size_t most, std::uint64_t now_ms);
  // What has come since.
  Result<std::vector<Event>> next(StoreAccess& store, std::uint64_t now_ms);

 private:
  Result<std::vector<Event>> take(StoreAccess& store, std::uint64_t from_ms, std::size_t most);

  EventFilter filter_;
  std::uint64_t asked_ms_ = 0;  // when it was asked for the last time
  std::set<std::string> seen_;  // ids of the last moments
};

}  // namespace mailorigin::reports
