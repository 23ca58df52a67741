#include "mailorigind/delivery/target.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/syslog_line.h"
#include "mailorigind/limits.h"

namespace mailorigin::daemon {

namespace {

constexpr std::string_view kind_names[] = {"file", "pipe", "syslog"};

// What may pass by itself in a moment: a reader that is being replaced, or busy.
bool passing(int fault) {
  return fault == EAGAIN || fault == EPIPE || fault == ENOENT || fault == ECONNREFUSED ||
         fault == ENOBUFS;
}

// Of a policy that has been decoded, which has no others.
int facility_of(const LogTarget& about) {
  const SyslogFacility* const facility = syslog_facility_named(about.name);
  return facility == nullptr ? syslog_facilities[0].number : facility->number;
}

std::string explain(int fault) {
  if (fault == EAGAIN || fault == ENOBUFS) return "its reader does not read on";
  if (fault == EPIPE) return "its reader has gone";
  return system_error("cannot be written", fault).message;
}

}  // namespace

std::uint64_t Target::key(const LogTarget& about) {
  return target_key(kind_names[static_cast<std::size_t>(about.kind)], about.name);
}

Target::Target(LogTarget about, Positions& positions, service::NoticeBoard& notices,
               SyslogSocket& syslog)
    : about_(std::move(about)),
      name_((about_.kind == LogTarget::Kind::syslog ? "syslog:" : "") + about_.name),
      key_(key(about_)),
      facility_(facility_of(about_)),
      positions_(positions),
      notices_(notices),
      syslog_(syslog),
      position_(positions.common()) {
  if (const Position* stored = positions.find(key_)) {
    position_ = stored->behind ? stored->journal : std::max(stored->journal, position_);
  }
}

void Target::use(std::shared_ptr<const ActivePolicy> policy, std::size_t index,
                 std::uint64_t now_ms) {
  policy_ = std::move(policy);
  index_ = index;
  end_ = UINT64_MAX;
  descriptor_ = policy_->descriptor(index);
  const bool is_syslog = about_.kind == LogTarget::Kind::syslog;
  if (descriptor_ < 0 && !is_syslog) {
    state_ = State::waiting;
    retry_at_ms_ = UINT64_MAX;
    store();
    return;
  }
  const Position* stored = positions_.find(key_);
  struct stat about {};
  regular_ = !is_syslog && fstat(descriptor_, &about) == 0 && S_ISREG(about.st_mode);
  const bool same_file = regular_ && stored != nullptr && about.st_dev == stored->device &&
                         about.st_ino == stored->inode;
  if (!regular_ && !is_syslog) {
    const int flags = fcntl(descriptor_, F_GETFL);
    if (flags >= 0) (void)fcntl(descriptor_, F_SETFL, flags | O_NONBLOCK);
  }
  if (same_file && !compared_) {
    read_tail(*stored);
  } else if (!same_file) {
    // Half a line went elsewhere: here it begins anew.
    if (!units_.empty()) written_ = units_[first_unit_].begin;
    tail_.clear();
  }
  store();
  compared_ = true;
  if (state_ == State::waiting) retry_at_ms_ = now_ms;
}

bool Target::takes(std::uint32_t vhost) const {
  const auto& logs = policy_->rules(vhost).logs;
  return std::any_of(logs.begin(), logs.end(),
                     [&](const ActivePolicy::Route& route) { return route.target == index_; });
}

void Target::store() {
  const Position* const before = positions_.find(key_);
  Position position = before != nullptr && descriptor_ < 0 ? *before : Position();
  position.journal = position_;
  position.behind = state_ != State::following;
  struct stat about {};
  if (descriptor_ >= 0 && regular_ && fstat(descriptor_, &about) == 0) {
    position.device = about.st_dev;
    position.inode = about.st_ino;
    // Up to the end of the last whole unit.
    const std::size_t half = units_.empty() ? 0 : written_ - units_[first_unit_].begin;
    position.size =
        tail_.empty() ? static_cast<std::uint64_t>(about.st_size) - half : tail_begin_ + tail_done_;
  }
  positions_.store(key_, position);
}

void Target::read_tail(const Position& stored) {
  struct stat about {};
  if (fstat(descriptor_, &about) != 0 || about.st_size < 0) return;
  const auto size = static_cast<std::uint64_t>(about.st_size);
  // More than one batch of lines was not written by a daemon that was killed.
  if (size <= stored.size || size - stored.size > file_tail_limit) return;
  tail_.resize(size - stored.size);
  const ssize_t length =
      pread(descriptor_, tail_.data(), tail_.size(), static_cast<off_t>(stored.size));
  tail_.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  tail_begin_ = stored.size;
  tail_done_ = 0;
}

void Target::add(const JournalReader::Record& record, const Event& event, const Format& format) {
  if (record.position < position_ || record.position >= end_) return;
  if (units_.empty() || units_.back().position != record.position) {
    const std::uint64_t time_ms = about_.kind == LogTarget::Kind::syslog
                                      ? parse_rfc3339(event.get(Field::time)).value_or(0)
                                      : 0;
    units_.push_back({record.position, record.next, time_ms, lines_.size(), 0});
  }
  format.append(lines_, event);
  lines_ += '\n';
  units_.back().end = lines_.size();
}

void Target::clear_lines() {
  lines_.clear();
  if (lines_.capacity() > target_buffer / 4) lines_.shrink_to_fit();
  units_.clear();
  first_unit_ = written_ = 0;
}

bool Target::full() const { return lines_.size() >= target_buffer; }

// After a crash: which of the lines did get into the file before it? Others may
// append to the file too, so the lines are looked for in their order. The first
// one that is missing ends the comparison; the file may hold its beginning.
void Target::drop_what_is_there() {
  while (first_unit_ < units_.size()) {
    const Unit& unit = units_[first_unit_];
    const std::string_view text =
        std::string_view(lines_).substr(unit.begin, unit.end - unit.begin);
    std::size_t found = tail_.find(text, tail_done_);
    while (found != std::string::npos && found > 0 && tail_[found - 1] != '\n') {
      found = tail_.find(text, found + 1);
    }
    if (found == std::string::npos) {
      for (std::size_t line = tail_done_; line < tail_.size();
           line = std::min(tail_.find('\n', line), tail_.size() - 1) + 1) {
        const std::string_view half = std::string_view(tail_).substr(line);
        if (!text.starts_with(half)) continue;
        written_ = unit.begin + half.size();
        break;
      }
      tail_.clear();
      break;
    }
    tail_done_ = found + text.size();
    written_ = unit.end;
    position_ = unit.next;
    first_unit_++;
  }
  if (first_unit_ == units_.size()) clear_lines();
  store();
}

std::string_view Target::next_batch() const {
  const std::string_view rest = std::string_view(lines_).substr(written_);
  if (about_.kind == LogTarget::Kind::syslog) return rest.substr(0, rest.find('\n') + 1);
  if (regular_) return rest;
  // Whole units, at least one; a longer one than a pipe takes at once goes alone.
  std::size_t end = units_[first_unit_].end;
  for (std::size_t i = first_unit_; i < units_.size() && units_[i].end - written_ <= pipe_batch;
       i++) {
    end = units_[i].end;
  }
  return rest.substr(0, end - written_);
}

// 0 or an errno value.
int Target::write_batch(std::string_view batch, std::size_t& taken) {
  if (about_.kind == LogTarget::Kind::syslog) {
    const int fault =
        syslog_.send(facility_, units_[first_unit_].time_ms, batch.substr(0, batch.size() - 1));
    taken = fault == 0 ? batch.size() : 0;
    return fault;
  }
  ssize_t length;
  do {
    length = write(descriptor_, batch.data(), batch.size());
  } while (length < 0 && errno == EINTR);
  taken = length > 0 ? static_cast<std::size_t>(length) : 0;
  if (length < 0) return errno;
  return length == 0 ? EIO : 0;
}

void Target::advance(std::size_t taken) {
  written_ += taken;
  while (first_unit_ < units_.size() && units_[first_unit_].end <= written_) {
    position_ = std::max(position_, units_[first_unit_].next);
    first_unit_++;
  }
  if (first_unit_ == units_.size()) clear_lines();
  store();
}

bool Target::flush(std::uint64_t now_ms) {
  if (!units_.empty() && !tail_.empty()) drop_what_is_there();
  while (!units_.empty()) {
    std::size_t taken = 0;
    const int fault = write_batch(next_batch(), taken);
    if (fault != 0) {
      failed(fault, now_ms);
      return false;
    }
    advance(taken);
  }
  fault_ = 0;
  retry_after_ms_ = 0;
  return true;
}

void Target::failed(int fault, std::uint64_t now_ms) {
  // Only the first unit is kept; the journal has the others.
  const Unit unit = units_[first_unit_];
  lines_ = lines_.substr(unit.begin, unit.end - unit.begin);
  written_ -= unit.begin;
  units_ = {{unit.position, unit.next, unit.time_ms, 0, lines_.size()}};
  first_unit_ = 0;
  position_ = std::max(position_, unit.position);
  if (state_ != State::waiting) {
    state_ = State::waiting;
    store();
  }

  if (behind_since_ms_ == 0) behind_since_ms_ = now_ms;
  fault_ = fault;
  retry_after_ms_ = std::clamp(2 * retry_after_ms_, retry_first_ms, retry_longest_ms);
  retry_at_ms_ = now_ms + retry_after_ms_;
  if (!passing(fault) || now_ms - behind_since_ms_ >= stall_notice_ms) {
    notices_.begins(
        "target " + name_, Notice::Level::error,
        "MO0230: " + name_ + ": " + explain(fault) + "; its events wait in the journal");
  }
}

int Target::pollable() const {
  return fault_ == EAGAIN && about_.kind != LogTarget::Kind::syslog ? descriptor_ : -1;
}

bool Target::cannot_recover() const {
  return fault_ == EPIPE || (descriptor_ < 0 && about_.kind != LogTarget::Kind::syslog);
}

void Target::retry_soon() {
  if (retry_at_ms_ != UINT64_MAX) retry_at_ms_ = 0;
}

std::string Target::trouble() const {
  if (state_ != State::waiting) return "";
  if (descriptor_ < 0 && about_.kind != LogTarget::Kind::syslog) {
    return "httpd has not handed it over";
  }
  return fault_ == 0 ? "" : explain(fault_);
}

bool Target::retry(std::uint64_t now_ms) {
  if (!flush(now_ms)) return false;
  state_ = State::catching_up;
  return true;
}

void Target::caught_up(std::uint64_t common) {
  position_ = std::max(position_, common);
  state_ = State::following;
  store();
  notices_.over("target " + name_, "MO0231: " + name_ + " is written again");
  notices_.over("lost " + name_, "MO0233: " + name_ + ": " + std::to_string(lost_) +
                                     " events in all were lost and are missing in it");
  behind_since_ms_ = 0;
  lost_ = 0;
}

void Target::give_up(std::uint64_t position, std::uint64_t lost) {
  position_ = std::max(position_, position);
  lost_ += lost;
  if (lost > 0) {
    notices_.begins("lost " + name_, Notice::Level::error,
                    "MO0232: " + name_ + ": the journal is full, its oldest events are lost, " +
                        std::to_string(lost) + " so far");
  }
  store();
}

}  // namespace mailorigin::daemon
