#include "mailorigind/delivery/target.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

#include "core/counted.h"
#include "mailorigind/limits.h"

namespace mailorigin::daemon {

namespace {

constexpr std::string_view kind_names[] = {"file", "pipe", "syslog"};

// What may pass by itself in a moment: a reader that is being replaced, or busy.
bool passing(int fault) {
  return fault == EAGAIN || fault == EPIPE || fault == ENOENT || fault == ECONNREFUSED ||
         fault == ENOBUFS;
}

std::string explain(int fault) {
  if (fault == EAGAIN || fault == ENOBUFS) return "its reader does not read on";
  if (fault == EPIPE) return "its reader has gone";
  if (fault == file_is_deleted) return "its file was deleted; `apachectl graceful` opens it anew";
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
  sink_ = make_sink(about_, policy_->descriptor(index), syslog_);
  if (sink_ == nullptr) {
    state_ = State::waiting;
    retry_at_ms_ = UINT64_MAX;
    store();
    return;
  }
  const Position* stored = positions_.find(key_);
  const auto file = sink_->file();
  const bool same_file =
      file && stored != nullptr && file->device == stored->device && file->inode == stored->inode;
  if (!same_file) {
    // Half a line went elsewhere: here it begins anew.
    lines_.begin_first_unit_anew();
    tail_ = FileTail();
  } else if (!compared_) {
    tail_ = FileTail(file->descriptor, stored->size);
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
  Position position = before != nullptr && sink_ == nullptr ? *before : Position();
  position.journal = position_;
  position.behind = state_ != State::following;
  if (const auto file = sink_ != nullptr ? sink_->file() : std::nullopt) {
    position.device = file->device;
    position.inode = file->inode;
    position.size = tail_.empty() ? file->size - lines_.half_written() : tail_.reached();
  }
  positions_.store(key_, position);
}

void Target::add(const JournalReader::Record& record, const Event& event, const Format& format) {
  if (record.position < position_ || record.position >= end_) return;
  const bool is_syslog = about_.kind == LogTarget::Kind::syslog;
  lines_.add(record, is_syslog ? parse_rfc3339(event.get(Field::time)).value_or(0) : 0, event,
             format);
}

bool Target::full() const { return lines_.size() >= target_buffer; }

void Target::reached(std::uint64_t position) {
  position_ = std::max(position_, position);
  store();
}

bool Target::flush(std::uint64_t now_ms) {
  if (!lines_.empty() && !tail_.empty()) reached(tail_.compare(lines_));
  while (!lines_.empty()) {
    std::size_t taken = 0;
    const int fault = sink_->write(lines_, taken);
    if (fault != 0) {
      failed(fault, now_ms);
      return false;
    }
    reached(lines_.advance(taken));
  }
  fault_ = 0;
  retry_after_ms_ = 0;
  return true;
}

void Target::failed(int fault, std::uint64_t now_ms) {
  lines_.keep_first_unit();
  position_ = std::max(position_, lines_.first_position());
  if (state_ != State::waiting) {
    state_ = State::waiting;
    store();
  }

  if (behind_since_ms_ == 0) behind_since_ms_ = now_ms;
  fault_ = fault;
  retry_after_ms_ = std::clamp(2 * retry_after_ms_, retry_first_ms, retry_longest_ms);
  retry_at_ms_ = now_ms + retry_after_ms_;
  if (fault == file_is_deleted) {
    notices_.begins("target " + name_, Notice::Level::error,
                    "MO0236: " + name_ +
                        " was deleted: its events wait in the journal; `apachectl graceful` opens "
                        "it anew");
  } else if (!passing(fault) || now_ms - behind_since_ms_ >= stall_notice_ms) {
    notices_.begins(
        "target " + name_, Notice::Level::error,
        "MO0230: " + name_ + ": " + explain(fault) + "; its events wait in the journal");
  }
}

int Target::pollable() const { return fault_ == EAGAIN && sink_ ? sink_->pollable() : -1; }

bool Target::cannot_recover() const {
  return fault_ == EPIPE || fault_ == file_is_deleted || sink_ == nullptr;
}

void Target::retry_soon() {
  if (retry_at_ms_ != UINT64_MAX) retry_at_ms_ = 0;
}

std::string Target::trouble() const {
  if (state_ != State::waiting) return "";
  if (sink_ == nullptr) return "httpd has not handed it over";
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
  notices_.over("lost " + name_,
                "MO0233: " + name_ + ": " +
                    counted(lost_, "event was lost and is", "events in all were lost and are") +
                    " missing in it");
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
