// SegmentBases: where a journal's segments begin, oldest first.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace mailorigin::daemon {

// One thread adds, one removes, any reads; nobody locks: one that reads may be without a processor
// for long, and whoever answers must not wait for it.
class SegmentBases {
 public:
  // Holds `most` at once, at least one.
  explicit SegmentBases(std::size_t most = 1) : slots_(most) {}

  // Nothing may read yet.
  void begin_with(const std::vector<std::uint64_t>& bases, std::size_t most) {
    slots_ = std::vector<std::atomic<std::uint64_t>>(most);
    for (const std::uint64_t base : bases) add(base);
  }

  // In ascending order, and no more than it holds.
  void add(std::uint64_t base) {
    slot(added_) = base;
    ++added_;
  }
  // Not the last one.
  void remove_first() { ++removed_; }

  [[nodiscard]] std::size_t size() const { return added_ - removed_; }
  // Not of none; for the threads that add or remove.
  [[nodiscard]] std::uint64_t first() const { return slot(removed_); }
  [[nodiscard]] std::uint64_t last() const { return slot(added_ - 1); }
  [[nodiscard]] std::vector<std::uint64_t> all() const {
    std::vector<std::uint64_t> bases;
    for (std::size_t number = removed_; number < added_; number++) bases.push_back(slot(number));
    return bases;
  }

  // The segment that holds `position`, or the first one after it: where it begins, and where the
  // next one does; the last one ends at `end`. That has to be looked up before this is called: a
  // segment that begins meanwhile is known here, then.
  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> around(std::uint64_t position,
                                                               std::uint64_t end) const {
    for (;;) {
      const std::size_t oldest = removed_;
      const std::size_t count = added_;
      std::size_t next = count;
      while (next > oldest + 1 && slot(next - 1) > position) next--;
      const std::pair found{slot(next - 1).load(), next < count ? slot(next).load() : end};
      if (removed_ == oldest) return found;  // or its place may have been taken by another
    }
  }

 private:
  [[nodiscard]] std::atomic<std::uint64_t>& slot(std::size_t number) {
    return slots_[number % slots_.size()];
  }
  [[nodiscard]] const std::atomic<std::uint64_t>& slot(std::size_t number) const {
    return slots_[number % slots_.size()];
  }

  std::vector<std::atomic<std::uint64_t>> slots_;
  std::atomic<std::size_t> added_{0}, removed_{0};  // ever
};

}  // namespace mailorigin::daemon
