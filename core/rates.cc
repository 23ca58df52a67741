#include "core/rates.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/fd.h"

namespace mailorigin {

// `due` is GCRA's theoretical arrival time in nanoseconds since 1970: when the
// allowance is whole again. 0 in a slot that was never used.
struct LimitTable::Slot {
  LimitKey key;
  std::uint64_t due;
};

namespace {

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

Result<LimitTable> LimitTable::open(const std::string& path, std::size_t buckets) {
  const std::size_t size = buckets * bucket_slots * sizeof(Slot);
  const Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return system_error(path, errno);
  struct stat about {};
  if (fstat(file.get(), &about) != 0) return system_error(path, errno);
  if (static_cast<std::size_t>(about.st_size) != size &&
      (ftruncate(file.get(), 0) != 0 || ftruncate(file.get(), static_cast<off_t>(size)) != 0)) {
    return system_error(path, errno);
  }
  // A hole that cannot be filled later would be a SIGBUS in the middle of a decision.
  if (const int fault = posix_fallocate(file.get(), 0, static_cast<off_t>(size)); fault != 0) {
    return system_error(path, fault);
  }
  return map(file.get(), path, buckets);
}

Result<LimitTable> LimitTable::in_memory(std::size_t buckets) {
  return map(-1, "memory for limits", buckets);
}

Result<LimitTable> LimitTable::map(int file, const std::string& path, std::size_t buckets) {
  void* mapping = mmap(nullptr, buckets * bucket_slots * sizeof(Slot), PROT_READ | PROT_WRITE,
                       file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, file, 0);
  if (mapping == MAP_FAILED) return system_error(path, errno);
  return LimitTable(mapping, buckets);
}

LimitTable::LimitTable(LimitTable&& other) noexcept
    : mapping_(std::exchange(other.mapping_, nullptr)), buckets_(other.buckets_) {}

LimitTable& LimitTable::operator=(LimitTable&& other) noexcept {
  std::swap(mapping_, other.mapping_);
  std::swap(buckets_, other.buckets_);
  return *this;
}

LimitTable::~LimitTable() {
  if (mapping_ != nullptr) munmap(mapping_, buckets_ * bucket_slots * sizeof(Slot));
}

LimitTable::Slot* LimitTable::bucket_of(const LimitKey& key) {
  return static_cast<Slot*>(mapping_) + key.high % buckets_ * bucket_slots;
}

LimitTable::Slot* LimitTable::find(const LimitKey& key) {
  Slot* const bucket = bucket_of(key);
  Slot* const slot = std::find_if(bucket, bucket + bucket_slots, [&](const Slot& candidate) {
    return candidate.due != 0 && candidate.key == key;
  });
  return slot == bucket + bucket_slots ? nullptr : slot;
}

LimitTable::Slot& LimitTable::find_or_replace(const LimitKey& key, std::uint64_t now_ns) {
  if (Slot* const slot = find(key)) return *slot;
  Slot* const bucket = bucket_of(key);
  Slot& oldest = *std::min_element(bucket, bucket + bucket_slots,
                                   [](const Slot& a, const Slot& b) { return a.due < b.due; });
  oldest = {key, now_ns};
  return oldest;
}

Admission LimitTable::admit(std::span<const LimitDemand> demands, std::uint64_t now_ns) {
  constexpr std::uint64_t never = UINT64_MAX;
  Admission admission;
  std::uint64_t longest = 0;

  // How long the demand must wait, and when its allowance would be whole after it.
  const auto examine = [&](const LimitDemand& demand) -> std::pair<std::uint64_t, std::uint64_t> {
    const std::uint64_t step = interval(demand.rate);
    const std::uint64_t whole = times(step, demand.rate.burst);
    const Slot* const slot = find(demand.key);
    const std::uint64_t due =
        slot == nullptr ? now_ns : std::clamp(slot->due, now_ns, now_ns + whole);
    const std::uint64_t after = due + times(step, demand.units);
    if (demand.units > demand.rate.burst) return {never, after};
    return {after - now_ns > whole ? after - now_ns - whole : 0, after};
  };

  for (std::size_t i = 0; i < demands.size(); i++) {
    const std::uint64_t wait = examine(demands[i]).first;
    if (wait == 0) continue;
    if (!demands[i].enforced) {
      if (!admission.observed_by) admission.observed_by = i;
    } else if (!admission.refused_by || wait > longest) {
      admission.refused_by = i;
      longest = wait;
    }
  }
  if (admission.refused_by) {
    if (longest != never) admission.retry_after_ns = longest;
    return admission;
  }
  for (const LimitDemand& demand : demands) {
    const auto [wait, after] = examine(demand);
    if (wait == 0) find_or_replace(demand.key, now_ns).due = after;
  }
  return admission;
}

}  // namespace mailorigin
