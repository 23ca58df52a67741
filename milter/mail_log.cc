#include "milter/mail_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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
      if (std::chrono::steady_clock::now() < flooded_until_) return std::nullopt;
      const auto found = submitters_.find(queue_id);
      if (found != submitters_.end()) return found->second;
      if (misses_ >= mail_log_misses) return std::nullopt;
      if (std::chrono::steady_clock::now() >= end) {
        misses_++;
        return std::nullopt;
      }
    }
    std::this_thread::sleep_for(mail_log_step);
  }
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

void MailLog::take(std::string_view line) {
  const auto pickup = parse_pickup_line(line);
  if (!pickup) return;
  misses_ = 0;
  std::string queue_id(pickup->queue_id);
  const auto [entry, is_new] = submitters_.emplace(queue_id, pickup->uid);
  if (!is_new) {
    if (entry->second != pickup->uid) entry->second.reset();
    return;
  }
  const auto now = std::chrono::steady_clock::now();
  oldest_first_.push_back({std::move(queue_id), now});
  if (oldest_first_.size() <= mail_log_lines_kept) return;
  if (now - oldest_first_.front().since < mail_log_memory) flooded_until_ = now + mail_log_memory;
  submitters_.erase(oldest_first_.front().queue_id);
  oldest_first_.pop_front();
}

}  // namespace mailorigin::milter
