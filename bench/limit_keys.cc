// The table of limits with a million keys: time of a decision, room, and what
// happens to keys when it is full.
//
//   bench_limits
//
// The table is the daemon's own, in memory. A round asks of 100,000 of the keys in
// no order, against as many questions of one key; keys are spread as the daemon's
// hashes are.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "bench/result.h"
#include "core/rates.h"

namespace mailorigin {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t second_ns = 1'000'000'000;
constexpr std::uint64_t hour_ns = 3600 * second_ns;
constexpr std::uint64_t start_ns = 1'795'262'400 * second_ns;
unsigned many = 1'000'000;
constexpr unsigned asked = 100'000;
constexpr unsigned rounds = 9;

// SplitMix64, for keys as a hash makes them.
std::uint64_t mixed(std::uint64_t number) {
  number += 0x9E3779B97F4A7C15ULL;
  number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9ULL;
  number = (number ^ number >> 27) * 0x94D049BB133111EBULL;
  return number ^ number >> 31;
}

LimitDemand demand(std::uint64_t number) {
  // Ten of a burst of a hundred: whole again after an hour.
  return {{mixed(number), mixed(~number)}, {10, hour_ns, 100}, 10, true, true};
}

double nanoseconds_each(LimitTable& table, unsigned keys, std::uint64_t now_ns) {
  const auto begin = Clock::now();
  for (unsigned i = 0; i < asked; i++) {
    const LimitDemand each = demand(mixed(i) % keys);
    (void)table.admit({&each, 1}, now_ns);
  }
  return std::chrono::duration<double, std::nano>(Clock::now() - begin).count() / asked;
}

long resident_kib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

// How many keys of those the table still knows: one that it does not could have
// its whole burst again.
unsigned known(LimitTable& table, unsigned first, unsigned count, std::uint64_t now_ns) {
  unsigned found = 0;
  for (unsigned i = first; i < first + count; i++) {
    LimitDemand whole = demand(i);
    whole.units = whole.rate.burst;
    found += table.admit({&whole, 1}, now_ns).refused_by ? 1 : 0;
  }
  return found;
}

int run() {
  const long before = resident_kib();
  auto table = LimitTable::in_memory();
  auto small = LimitTable::in_memory(1);
  if (!table || !small) return 1;

  std::vector<double> ratios;
  for (unsigned i = 0; i < many; i++) {
    const LimitDemand each = demand(i);
    (void)table->admit({&each, 1}, start_ns);
  }
  for (unsigned round = 0; round < rounds; round++) {
    const std::uint64_t now = start_ns + round * second_ns;
    const double one = nanoseconds_each(*small, 1, now);
    const double all = nanoseconds_each(*table, many, now);
    std::printf("  %.0f ns with %u keys, %.0f ns with one\n", all, many, one);
    ratios.push_back(all / one);
  }
  testing::say_result("a limit's key, of a million in no order", ratios, "none", "one key");
  std::printf("room: %ld MiB for %u keys, of %zu MiB at most\n", (resident_kib() - before) / 1024,
              many, LimitTable::file_size(LimitTable::default_buckets) / (1 << 20));

  // All of them are idle for longer than their allowance takes to come back; as
  // many others come, and find all the room that they had.
  auto busy = LimitTable::in_memory();
  if (!busy) return 1;
  for (unsigned i = 0; i < many; i++) {
    const LimitDemand each = demand(i);
    (void)busy->admit({&each, 1}, start_ns);
  }
  const unsigned first_known = known(*busy, 0, many, start_ns);
  for (unsigned i = many; i < 2 * many; i++) {
    const LimitDemand each = demand(i);
    (void)busy->admit({&each, 1}, start_ns + 2 * hour_ns);
  }
  const unsigned then_known = known(*busy, many, many, start_ns + 2 * hour_ns);
  std::printf("of %u keys at once %u are known, of %u that come when those are idle %u\n", many,
              first_known, many, then_known);
  return 0;
}

}  // namespace

}  // namespace mailorigin

int main(int count, char* arguments[]) {
  if (count > 1) mailorigin::many = static_cast<unsigned>(std::max(1, std::atoi(arguments[1])));
  return mailorigin::run();
}
