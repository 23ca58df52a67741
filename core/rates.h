// Rate limits: how many, how fast, and when again.
//
// The algorithm is GCRA in its virtual-scheduling form (ITU-T I.371, annex A),
// which keeps one time per key. `N/hour burst=B` gives back one unit every
// 3600/N seconds and never more than B: after an idle spell B units leave at
// once, and any stretch of t seconds admits at most B + N*t/3600.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/result.h"

namespace mailorigin {

inline constexpr std::uint64_t rate_limit = 1'000'000'000;  // of units and burst

// What a rate's units are counted in.
struct RatePeriod {
  std::string_view name;
  std::uint64_t nanoseconds;
};
inline constexpr RatePeriod rate_periods[] = {{"second", 1'000'000'000},
                                              {"minute", 60'000'000'000},
                                              {"hour", 3600'000'000'000},
                                              {"day", 86'400'000'000'000}};

struct Rate {
  std::uint64_t units = 1;      // per period; 1 to rate_limit
  std::uint64_t period_ns = 1;  // one of rate_periods
  std::uint64_t burst = 1;      // 1 to rate_limit
};

// A key of the table: 128 bits of a hash, so that two never meet.
struct LimitKey {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const LimitKey&) const = default;
};

// What one mail asks of one limit.
struct LimitDemand {
  LimitKey key;
  Rate rate;
  std::uint64_t units = 1;  // mails or recipients
  bool enforced = true;     // false: action=observe
};

struct Admission {
  std::optional<std::size_t> refused_by;   // the enforced demand that waits longest
  std::optional<std::size_t> observed_by;  // a demand that would have refused
  // When refused: how long until the mail may leave; nothing if it never may,
  // because it has more recipients than the burst.
  std::optional<std::uint64_t> retry_after_ns;
};

// Keys and their times, in a file that is mapped: it survives the death of the
// process without a word being written. A key whose allowance is whole again
// takes no room; when a bucket is full, the key nearest to that gives way, so
// memory is bounded and a flood of new keys costs old ones at most their past.
class LimitTable {
 public:
  static constexpr std::size_t bucket_slots = 8;
  static constexpr std::size_t default_buckets = std::size_t{1} << 18;  // 2M keys, 48 MiB

  // Creates the file, or takes what is there if it is of this size. Its room on
  // the disk is taken at once. Fails as the system calls do; the error names the path.
  static Result<LimitTable> open(const std::string& path, std::size_t buckets = default_buckets);
  // Without a file: what has been counted is forgotten with the process.
  static Result<LimitTable> in_memory(std::size_t buckets = default_buckets);

  LimitTable(LimitTable&& other) noexcept;
  LimitTable& operator=(LimitTable&& other) noexcept;
  ~LimitTable();

  // All demands of one mail together: either every limit that is not exceeded
  // counts it, or, when an enforced one refuses, none does. `now_ns` is
  // CLOCK_REALTIME; a clock that was set back makes nobody wait longer than a
  // full burst takes to come back.
  Admission admit(std::span<const LimitDemand> demands, std::uint64_t now_ns);

 private:
  struct Slot;
  static Result<LimitTable> map(int file, const std::string& path, std::size_t buckets);
  LimitTable(void* mapping, std::size_t buckets) : mapping_(mapping), buckets_(buckets) {}

  Slot* bucket_of(const LimitKey& key);
  Slot* find(const LimitKey& key);
  Slot& find_or_replace(const LimitKey& key, std::uint64_t now_ns);

  void* mapping_ = nullptr;
  std::size_t buckets_ = 0;
};

}  // namespace mailorigin
