#include "mailorigind/delivery/pending_lines.h"

#include "mailorigind/limits.h"

namespace mailorigin::daemon {

void PendingLines::add(const JournalReader::Record& record, std::uint64_t time_ms,
                       const Event& event, const Format& format) {
  if (units_.empty() || units_.back().position != record.position) {
    units_.push_back({record.position, record.next, time_ms, lines_.size(), 0});
  }
  format.append(lines_, event);
  lines_ += '\n';
  units_.back().end = lines_.size();
}

std::string_view PendingLines::rest() const { return std::string_view(lines_).substr(written_); }

std::string_view PendingLines::first_line() const {
  const std::string_view all = rest();
  return all.substr(0, all.find('\n') + 1);
}

std::string_view PendingLines::whole_units(std::size_t limit) const {
  std::size_t end = units_[first_].end;
  for (std::size_t i = first_; i < units_.size() && units_[i].end - written_ <= limit; i++) {
    end = units_[i].end;
  }
  return rest().substr(0, end - written_);
}

std::string_view PendingLines::first_unit() const {
  const Unit& unit = units_[first_];
  return std::string_view(lines_).substr(unit.begin, unit.end - unit.begin);
}

std::size_t PendingLines::half_written() const {
  return empty() ? 0 : written_ - units_[first_].begin;
}

std::uint64_t PendingLines::advance(std::size_t bytes) {
  written_ += bytes;
  std::uint64_t reached = 0;
  for (; first_ < units_.size() && units_[first_].end <= written_; first_++) {
    reached = units_[first_].next;
  }
  if (first_ == units_.size()) {
    lines_.clear();
    if (lines_.capacity() > target_buffer / 4) lines_.shrink_to_fit();
    units_.clear();
    first_ = written_ = 0;
  }
  return reached;
}

void PendingLines::keep_first_unit() {
  Unit unit = units_[first_];
  lines_ = lines_.substr(unit.begin, unit.end - unit.begin);
  written_ -= unit.begin;
  unit.begin = 0;
  unit.end = lines_.size();
  units_ = {unit};
  first_ = 0;
}

void PendingLines::begin_first_unit_anew() {
  if (!empty()) written_ = units_[first_].begin;
}

}  // namespace mailorigin::daemon
