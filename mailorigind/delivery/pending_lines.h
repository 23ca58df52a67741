// PendingLines: the lines of a log that are still to be written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "core/format.h"
#include "mailorigind/journal/journal.h"

namespace mailorigin::daemon {

// The lines of one record are a unit: a log has all of them or is to get them again.
// What has been written goes from the front, by bytes, and may end within a unit.
class PendingLines {
 public:
  // Behind what is there. `time_ms` is kept for who asks for it.
  void add(const JournalReader::Record& record, std::uint64_t time_ms, const Event& event,
           const Format& format);

  [[nodiscard]] bool empty() const { return units_.empty(); }
  [[nodiscard]] std::size_t size() const { return lines_.size(); }

  // What is not written: all of it, its first line, or whole units of it, at most
  // `limit` bytes unless the first one alone is longer.
  [[nodiscard]] std::string_view rest() const;
  [[nodiscard]] std::string_view first_line() const;
  [[nodiscard]] std::string_view whole_units(std::size_t limit) const;

  // The first unit that is not written whole: all its lines, its time and position,
  // and how much of it is written.
  [[nodiscard]] std::string_view first_unit() const;
  [[nodiscard]] std::uint64_t first_time_ms() const { return units_[first_].time_ms; }
  [[nodiscard]] std::uint64_t first_position() const { return units_[first_].position; }
  [[nodiscard]] std::size_t half_written() const;

  // So many bytes of the rest are written. Returns the journal's position behind the
  // last unit that is whole by that; 0: none is.
  std::uint64_t advance(std::size_t bytes);

  // Only the first unit stays; the journal has the others.
  void keep_first_unit();
  // The first unit is to be written from its beginning.
  void begin_first_unit_anew();

 private:
  struct Unit {
    std::uint64_t position;
    std::uint64_t next;
    std::uint64_t time_ms;
    std::size_t begin;  // in lines_
    std::size_t end;
  };

  std::string lines_;
  std::vector<Unit> units_;
  std::size_t first_ = 0;    // the first unit that is not written whole
  std::size_t written_ = 0;  // bytes of lines_
};

}  // namespace mailorigin::daemon
