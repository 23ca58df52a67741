#include "core/rates.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <utility>

#include "core/context.h"
#include "core/fd.h"
#include "core/key.h"
#include "core/random.h"
#include "core/seal.h"

namespace mailorigin {

// The file's first page. All numbers are the machine's own.
struct LimitTable::Head {
  std::array<char, 16> form;
  std::uint64_t buckets;
  std::array<unsigned char, 16> secret;
  std::array<char, 40> boot;    // the id of that in which it was opened last
  std::uint64_t ahead_ns;       // its time is CLOCK_BOOTTIME and this
  std::uint64_t wall_ahead_ns;  // when it was opened: CLOCK_REALTIME less its time
  std::uint64_t latest_ns;      // the last time that it has seen
};

// `due` is GCRA's theoretical arrival time, in the table's time: when the
// allowance is whole again. 0 in a slot that was never used.
struct LimitTable::Slot {
  LimitKey key;
  std::uint64_t due;
};

namespace {

constexpr std::array<char, 16> form = {'M', 'a', 'i', 'l', 'O', 'r', 'i', 'g',
                                       'i', 'n', ' ', 'l', 'i', 'm', 't', '2'};

constexpr std::uint64_t interval(const Rate& rate) {
  return std::max<std::uint64_t>(rate.period_ns / std::max<std::uint64_t>(rate.units, 1), 1);
}

// Saturates: a product that overflows is later than any clock will show.
std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX / 4
                                                : std::min(product, UINT64_MAX / 4);
}

}  // namespace

LimitClock LimitClock::now() {
  LimitClock clock;
  timespec wall{};
  clock_gettime(CLOCK_REALTIME, &wall);
  clock.wall_ns = static_cast<std::uint64_t>(wall.tv_sec) * 1'000'000'000 +
                  static_cast<std::uint64_t>(wall.tv_nsec);
  clock.boottime_ns = boottime_now_ns();
  if (auto id = boot_id()) clock.boot = *std::move(id);
  return clock;
}

Result<LimitTable> LimitTable::open(const std::string& path, std::size_t buckets,
                                    const LimitClock& clock) {
  static_assert(sizeof(Slot) == slot_size && sizeof(Head) <= head_size);
  const std::size_t size = file_size(buckets);
  const Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return system_error(path, errno);
  struct stat about {};
  if (fstat(file.get(), &about) != 0) return system_error(path, errno);
  Head before{};
  const bool known = static_cast<std::size_t>(about.st_size) == size &&
                     pread(file.get(), &before, sizeof before, 0) == sizeof before &&
                     before.form == form && before.buckets == buckets;
  if (!known &&
      (ftruncate(file.get(), 0) != 0 || ftruncate(file.get(), static_cast<off_t>(size)) != 0)) {
    return system_error(path, errno);
  }
  // A hole that cannot be filled later would be a SIGBUS in the middle of a decision.
  if (const int fault = posix_fallocate(file.get(), 0, static_cast<off_t>(size)); fault != 0) {
    return system_error(path, fault);
  }
  return map(file.get(), path, buckets, clock);
}

Result<LimitTable> LimitTable::in_memory(std::size_t buckets, const LimitClock& clock) {
  return map(-1, "memory for limits", buckets, clock);
}

Result<LimitTable> LimitTable::map(int file, const std::string& path, std::size_t buckets,
                                   const LimitClock& clock) {
  void* mapping = mmap(nullptr, file_size(buckets), PROT_READ | PROT_WRITE,
                       file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, file, 0);
  if (mapping == MAP_FAILED) return system_error(path, errno);
  LimitTable table(mapping, buckets);
  table.begin(clock);
  return table;
}

LimitTable::LimitTable(LimitTable&& other) noexcept
    : mapping_(std::exchange(other.mapping_, nullptr)), buckets_(other.buckets_) {}

LimitTable& LimitTable::operator=(LimitTable&& other) noexcept {
  std::swap(mapping_, other.mapping_);
  std::swap(buckets_, other.buckets_);
  return *this;
}

LimitTable::~LimitTable() {
  if (mapping_ != nullptr) munmap(mapping_, file_size(buckets_));
}

// Goes on where the last process stopped.
void LimitTable::begin(const LimitClock& clock) {
  Head& head = this->head();
  if (head.form != form) {
    head.buckets = buckets_;
    random_bytes(head.secret.data(), head.secret.size());
    head.latest_ns = clock.wall_ns;
    head.wall_ahead_ns = 0;
    head.boot = {};
    // Last: a table that was killed before is begun anew.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    head.form = form;
  }
  std::array<char, 40> boot{};
  clock.boot.copy(boot.data(), boot.size());
  const bool same_boot = !clock.boot.empty() && boot == head.boot &&
                         clock.boottime_ns + head.ahead_ns >= head.latest_ns;
  if (!same_boot) {
    const std::uint64_t left_wall_ns = head.latest_ns + head.wall_ahead_ns;
    if (clock.wall_ns > left_wall_ns) head.latest_ns += clock.wall_ns - left_wall_ns;
    head.ahead_ns = head.latest_ns - clock.boottime_ns;
    head.boot = boot;
  }
  head.wall_ahead_ns = clock.wall_ns - (clock.boottime_ns + head.ahead_ns);
}

LimitTable::Slot* LimitTable::bucket_of(const LimitDemand& demand) const {
  const std::string_view key(reinterpret_cast<const char*>(&demand.key), sizeof demand.key);
  const std::uint64_t hash = siphash24(key, head().secret);
  const std::size_t bucket =
      demand.chosen ? hash % buckets_ : buckets_ + hash % other_buckets(buckets_);
  return reinterpret_cast<Slot*>(static_cast<char*>(mapping_) + head_size) + bucket * bucket_slots;
}

LimitTable::Slot* LimitTable::find(Slot* bucket, const LimitKey& key) {
  Slot* const slot = std::find_if(bucket, bucket + bucket_slots, [&](const Slot& candidate) {
    return candidate.due != 0 && candidate.key == key;
  });
  return slot == bucket + bucket_slots ? nullptr : slot;
}

std::optional<Allowance> LimitTable::look(const LimitDemand& demand,
                                          std::uint64_t boottime_ns) const {
  const Slot* const slot = find(bucket_of(demand), demand.key);
  const std::uint64_t now_ns = std::max(head().latest_ns, boottime_ns + head().ahead_ns);
  if (slot == nullptr || slot->due <= now_ns) return std::nullopt;
  const std::uint64_t step = interval(demand.rate);
  const std::uint64_t whole = times(step, demand.rate.burst);
  const std::uint64_t left = std::min(slot->due - now_ns, whole);
  return Allowance{left / step + (left % step != 0 ? 1 : 0),
                   left + step > whole ? left + step - whole : 0, left};
}

Admission LimitTable::admit(std::span<const LimitDemand> demands, std::uint64_t boottime_ns) {
  constexpr std::uint64_t never = UINT64_MAX;
  Admission admission;
  std::uint64_t longest = 0;
  head().latest_ns = std::max(head().latest_ns, boottime_ns + head().ahead_ns);
  const std::uint64_t now_ns = head().latest_ns;

  found_.clear();
  for (const LimitDemand& demand : demands) found_.push_back(bucket_of(demand));
  // How long the demand must wait, and when its allowance would be whole after it.
  const auto examine = [&](std::size_t i) -> std::pair<std::uint64_t, std::uint64_t> {
    const LimitDemand& demand = demands[i];
    const std::uint64_t step = interval(demand.rate);
    const std::uint64_t whole = times(step, demand.rate.burst);
    Slot* const slot = find(found_[i], demand.key);
    std::uint64_t due = now_ns;
    if (slot != nullptr) {
      // Nothing is due later than a whole burst takes; kept, or it would stay so.
      if (slot->due > now_ns + whole) slot->due = now_ns + whole;
      due = std::max(slot->due, now_ns);
    }
    const std::uint64_t after = due + times(step, demand.units);
    if (demand.units > demand.rate.burst) return {never, after};
    return {after - now_ns > whole ? after - now_ns - whole : 0, after};
  };

  for (std::size_t i = 0; i < demands.size(); i++) {
    const std::uint64_t wait = examine(i).first;
    if (wait == 0) continue;
    if (!demands[i].refuses) {
      admission.exceeded.push_back(i);
    } else if (!admission.refused_by || wait > longest) {
      admission.refused_by = i;
      longest = wait;
    }
  }
  if (admission.refused_by) {
    if (longest != never) admission.retry_after_ns = longest;
    return admission;
  }
  for (std::size_t i = 0; i < demands.size(); i++) {
    const auto [wait, after] = examine(i);
    if (wait != 0) continue;
    Slot* slot = find(found_[i], demands[i].key);
    if (slot == nullptr) {
      slot = std::min_element(found_[i], found_[i] + bucket_slots,
                              [](const Slot& a, const Slot& b) { return a.due < b.due; });
      slot->key = demands[i].key;
    }
    slot->due = after;
  }
  return admission;
}

}  // namespace mailorigin
