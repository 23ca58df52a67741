// How far each log target has been written: the file `positions`, which survives
// a kill -9 at any moment. The bytes are specified in docs/journal.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/fd.h"
#include "core/result.h"
#include "service/notice_board.h"

namespace mailorigin::daemon {

struct Position {
  std::uint64_t journal = 0;  // every record before it has been handled
  // Of a regular file, after what was written last: what stands behind `size`
  // after a crash is to be compared before it is written again.
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  // False: the common position counts, where it is further on.
  bool behind = false;
};

// For one thread. What cannot be stored is known until the daemon ends; a notice
// says so.
class Positions {
 public:
  // `notices` must outlive it.
  static Result<Positions> open(const std::string& directory, service::NoticeBoard& notices);

  // The common position: every target that is not behind has handled all that is
  // before it.
  [[nodiscard]] std::uint64_t common() const { return common_; }
  void store_common(std::uint64_t position);

  // Null if nothing is known about the target of that key.
  [[nodiscard]] const Position* find(std::uint64_t key) const;
  // At most targets_limit of them.
  void store(std::uint64_t key, const Position& position);
  void forget(std::uint64_t key);

  // Keys of all known targets, and the furthest position of all.
  [[nodiscard]] std::vector<std::uint64_t> keys() const;
  [[nodiscard]] std::uint64_t furthest() const;

 private:
  struct Slot {
    std::size_t index = 0;
    Position position;
  };
  Positions(Fd file, service::NoticeBoard& notices) : file_(std::move(file)), notices_(&notices) {}
  void write_slot(std::size_t index, std::string_view slot);
  void read_slots(std::string_view bytes);

  Fd file_;
  service::NoticeBoard* notices_;
  std::uint64_t common_ = 0;
  std::unordered_map<std::uint64_t, Slot> slots_;
  std::vector<std::size_t> free_;
  std::size_t slot_count_ = 1;  // the first one is the common position's
};

// A target's key: a hash of what it is.
std::uint64_t target_key(std::string_view kind, std::string_view name);

}  // namespace mailorigin::daemon
