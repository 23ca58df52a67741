// FileTail: after a crash, which of the lines that were due did get into the file?
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mailorigind/delivery/pending_lines.h"

namespace mailorigin::daemon {

class FileTail {
 public:
  FileTail() = default;
  // What stands in the file behind `from`, if that is what a daemon that was killed
  // can have written.
  FileTail(int descriptor, std::uint64_t from);

  // Nothing (more) to compare.
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  // Up to here the file holds lines that were due.
  [[nodiscard]] std::uint64_t reached() const { return begin_ + done_; }

  // Takes from the front of `pending` what is there. Others may append to the file
  // too, so the lines are looked for in their order. The first one that is missing
  // ends the comparison; the file may hold its beginning. Returns what
  // PendingLines::advance() does.
  std::uint64_t compare(PendingLines& pending);

 private:
  [[nodiscard]] std::size_t find(std::string_view lines) const;
  [[nodiscard]] std::size_t half_at_end(std::string_view lines) const;

  std::string bytes_;
  std::size_t done_ = 0;
  std::uint64_t begin_ = 0;  // in the file
};

}  // namespace mailorigin::daemon
