// Keys: what events are looked up by that comes in no order.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "store/database.h"
#include "store/insertion.h"

namespace mailorigin::store {

// SQLite's part takes so many keys, and those of one transaction more: 3 MB, of which a busy host
// writes each page many times, in memory, and then once. It takes those of one day, too, so that
// they go with their events.
inline constexpr std::uint64_t part_size = 131'072;

// For one thread.
class Keys {
 public:
  // `database` must outlive it.
  explicit Keys(Database& database);

  // `event`: the millisecond of its id. Kept in memory until write().
  void add(std::int64_t key, std::uint64_t event) { waiting_.emplace_back(key, event); }
  // All of them. Inside a transaction.
  Status write();
  void forget();

 private:
  // The number of the part that takes keys of events until then.
  Result<std::uint64_t> part(std::uint64_t last_event_ms);

  Database& database_;
  Insertion rows_;
  std::vector<std::pair<std::int64_t, std::uint64_t>> waiting_;
};

// The milliseconds that a key stands for, each once, the latest first; at most `most`.
Result<std::vector<std::uint64_t>> events_of_key(Database& database, std::int64_t key,
                                                 std::uint64_t from_ms, std::uint64_t to_ms,
                                                 std::size_t most);

}  // namespace mailorigin::store
