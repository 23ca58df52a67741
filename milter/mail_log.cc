#include "milter/mail_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>
#include <utility>

#include "core/name_values.h"
#include "milter/limits.h"

namespace mailorigin::milter {

namespace {

constexpr std::string_view program = "/pickup[";
constexpr std::string_view uid_name = ": uid=";

}  // namespace

std::optional<PickupLine> parse_pickup_line(std::string_view line) {
  const std::size_t found = line.find(program);
  if (found == std::string_view::npos) return std::nullopt;
  line.remove_prefix(found + program.size());
  const std::size_t begin = line.find("]: ");
  if (begin == std::string_view::npos) return std::nullopt;
  line.remove_prefix(begin + 3);
  const std::size_t end = line.find(uid_name);
  if (end == std::string_view::npos || end == 0) return std::nullopt;
  const std::string_view queue_id = line.substr(0, end);
  if (queue_id.find(' ') != std::string_view::npos) return std::nullopt;
  line.remove_prefix(end + uid_name.size());
  const auto uid = parse_number(line.substr(0, line.find(' ')), UINT32_MAX);
  if (!uid) return std::nullopt;
  return PickupLine{queue_id, static_cast<std::uint32_t>(*uid)};
}

void MailLog::begin() {
  if (!path_.empty() && follow()) (void)lseek(file_.get(), 0, SEEK_END);
}

std::optional<std::uint32_t> MailLog::submitter_of(const std::string& queue_id) {
  if (path_.empty() || queue_id.empty()) return std::nullopt;
  const auto end = std::chrono::steady_clock::now() + mail_log_patience;
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (!read_on()) return std::nullopt;
      const auto now = std::chrono::steady_clock::now();
      const auto line = taken_out(queue_id);
      if (line && now >= doubted_until_) return line->uid;
      if (line) return std::nullopt;
      const bool is_late = now >= end;
      if (is_late) misses_++;
      if (is_late || now < doubted_until_ || misses_ >= mail_log_misses) {
        expect_line(queue_id);
        return std::nullopt;
      }
    }
    std::this_thread::sleep_for(mail_log_step);
  }
}

void MailLog::message_came(const std::string& queue_id) {
  if (path_.empty() || queue_id.empty()) return;
  const std::lock_guard lock(mutex_);
  if (read_on() && !taken_out(queue_id)) expect_line(queue_id);
}

std::optional<MailLog::Line> MailLog::taken_out(const std::string& queue_id) {
  const auto found = std::find_if(lines_.begin(), lines_.end(),
                                  [&](const Line& line) { return line.queue_id == queue_id; });
  if (found == lines_.end()) return std::nullopt;
  std::optional<Line> line(std::move(*found));
  lines_.erase(found);
  return line;
}

void MailLog::expect_line(const std::string& queue_id) {
  without_line_.push_back(queue_id);
  if (without_line_.size() > mail_log_messages_kept) without_line_.pop_front();
}

// Opens the file at the path, if that is another one than before.
bool MailLog::follow() {
  struct stat there {};
  struct stat open_one {};
  if (stat(path_.c_str(), &there) != 0) return static_cast<bool>(file_);
  if (file_ && fstat(file_.get(), &open_one) == 0 && open_one.st_ino == there.st_ino &&
      open_one.st_dev == there.st_dev) {
    // copytruncate
    if (lseek(file_.get(), 0, SEEK_CUR) > there.st_size) (void)lseek(file_.get(), 0, SEEK_SET);
    return true;
  }
  Fd opened(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!opened) return static_cast<bool>(file_);
  file_ = std::move(opened);
  begun_.clear();
  return true;
}

// All that has come since; false if there is no log.
bool MailLog::read_on() {
  if (!file_ && !follow()) return false;
  std::array<char, mail_log_chunk> buffer;
  for (bool followed = false;;) {
    const ssize_t size = read(file_.get(), buffer.data(), buffer.size());
    if (size <= 0) {
      if (std::exchange(followed, true)) return true;
      if (!follow()) return false;
      continue;
    }
    std::string_view bytes(buffer.data(), static_cast<std::size_t>(size));
    for (std::size_t end; (end = bytes.find('\n')) != std::string_view::npos;) {
      begun_ += bytes.substr(0, end);
      take(begun_);
      begun_.clear();
      bytes.remove_prefix(end + 1);
    }
    if (begun_.size() < mail_log_chunk) begun_ += bytes;
  }
}

void MailLog::take(std::string_view text) {
  const auto pickup = parse_pickup_line(text);
  if (!pickup) return;
  misses_ = 0;
  const auto here = std::find(without_line_.begin(), without_line_.end(), pickup->queue_id);
  if (here != without_line_.end()) {
    without_line_.erase(here);
    return;
  }
  const auto same = std::find_if(lines_.begin(), lines_.end(), [&](const Line& line) {
    return line.queue_id == pickup->queue_id;
  });
  if (same != lines_.end()) {
    if (same->uid != pickup->uid) same->uid.reset();
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  while (!lines_.empty() && now - lines_.front().since >= mail_log_memory) lines_.pop_front();
  lines_.push_back({std::string(pickup->queue_id), pickup->uid, now});
  if (lines_.size() <= mail_log_lines_kept) return;
  lines_.pop_front();
  doubted_until_ = now + mail_log_memory;
}

}  // namespace mailorigin::milter
