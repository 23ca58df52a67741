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
#include <vector>

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
  bool operator==(const Rate&) const = default;
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
  bool refuses = true;      // false: what exceeds it is only named
  // A tenant chooses the names that are counted (per=script), and how many there are:
  // they have a room of their own, and push out none but each other.
  bool chosen = false;
};

struct Admission {
  std::optional<std::size_t> refused_by;  // the refusing demand that waits longest
  std::vector<std::size_t> exceeded;      // the others that are exceeded
  // When refused: how long until the mail may leave; nothing if it never may,
  // because it has more recipients than the burst.
  std::optional<std::uint64_t> retry_after_ns;
};

// What is used of a limit at some time.
struct Allowance {
  std::uint64_t used = 0;      // units of its burst, at least 1
  std::uint64_t next_ns = 0;   // until one more may leave; 0: at once
  std::uint64_t whole_ns = 0;  // until nothing of it is used
};

// The clocks that a table goes by. CLOCK_REALTIME may be set to anything at any
// time; CLOCK_BOOTTIME goes on evenly, but only until the next boot.
struct LimitClock {
  std::uint64_t wall_ns = 0;
  std::uint64_t boottime_ns = 0;
  std::string boot;  // its id; empty: not known

  static LimitClock now();
};

// Keys and their times, in a file that is mapped: it survives the death of the
// process without a word being written. A key whose allowance is whole again
// takes no room; when a bucket is full, the key nearest to that gives way, so
// memory is bounded and a flood of new keys costs old ones at most their past.
// In which bucket a key is depends on a secret of the table's: nobody can compute
// names that meet in one.
//
// Its time goes on with CLOCK_BOOTTIME, whatever happens to the wall clock; only how
// long the machine was off between two boots is the wall clock's to say. A clock that
// is put ahead or back makes nobody wait, and gives nobody more than it was off for.
class LimitTable {
 public:
  static constexpr std::size_t bucket_slots = 8;
  static constexpr std::size_t slot_size = 24;
  static constexpr std::size_t head_size = 4096;
  // For names that tenants choose: 2M keys, 48 MiB. All other keys, which a
  // configuration bounds, have a quarter as many.
  static constexpr std::size_t default_buckets = std::size_t{1} << 18;
  static constexpr std::size_t file_size(std::size_t buckets);

  // Creates the file, or takes what is there if it is of this form and size. Its room
  // on the disk is taken at once. Fails as the system calls do; the error names the
  // path.
  static Result<LimitTable> open(const std::string& path, std::size_t buckets = default_buckets,
                                 const LimitClock& clock = LimitClock::now());
  // Without a file: what has been counted is forgotten with the process.
  static Result<LimitTable> in_memory(std::size_t buckets = default_buckets,
                                      const LimitClock& clock = LimitClock::now());

  LimitTable(LimitTable&& other) noexcept;
  LimitTable& operator=(LimitTable&& other) noexcept;
  ~LimitTable();

  // All demands of one mail together: either every limit that is not exceeded
  // counts it, or, when a refusing one is, none does. `boottime_ns` is
  // CLOCK_BOOTTIME.
  Admission admit(std::span<const LimitDemand> demands, std::uint64_t boottime_ns);

  // What is used of the demand's limit, whose `units` do not matter; nothing where all of it is
  // there. Counts nothing.
  [[nodiscard]] std::optional<Allowance> look(const LimitDemand& demand,
                                              std::uint64_t boottime_ns) const;

 private:
  struct Head;
  struct Slot;
  static Result<LimitTable> map(int file, const std::string& path, std::size_t buckets,
                                const LimitClock& clock);
  LimitTable(void* mapping, std::size_t buckets) : mapping_(mapping), buckets_(buckets) {}

  void begin(const LimitClock& clock);
  [[nodiscard]] Head& head() const { return *static_cast<Head*>(mapping_); }
  [[nodiscard]] Slot* bucket_of(const LimitDemand& demand) const;
  static Slot* find(Slot* bucket, const LimitKey& key);  // null: not counted

  static constexpr std::size_t other_buckets(std::size_t buckets) {
    return buckets < 4 ? 1 : buckets / 4;
  }

  void* mapping_ = nullptr;
  std::size_t buckets_ = 0;
  std::vector<Slot*> found_;  // the buckets of the demands at hand
};

constexpr std::size_t LimitTable::file_size(std::size_t buckets) {
  return head_size + (buckets + other_buckets(buckets)) * bucket_slots * slot_size;
}

}  // namespace mailorigin
