#include "service/notice_board.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "service/limits.h"

namespace mailorigin::service {

namespace {

std::uint64_t now_ms() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

}  // namespace

void NoticeBoard::add(Notice notice) {
  notices_.push_back(std::move(notice));
  if (notices_.size() > notices_kept) notices_.pop_front();
  ready_.signal();
}

void NoticeBoard::say(Notice::Level level, std::string text) {
  const std::lock_guard lock(mutex_);
  add({level, std::move(text)});
}

void NoticeBoard::begins(const std::string& finding, Notice::Level level, std::string text) {
  const std::lock_guard lock(mutex_);
  const auto [entry, fresh] = lasting_.try_emplace(finding);
  if (!fresh) return;
  entry->second = {now_ms(), {level, text}};
  add({level, std::move(text)});
}

void NoticeBoard::over(const std::string& finding, std::string text) {
  const std::lock_guard lock(mutex_);
  const auto ended = lasting_.find(finding);
  if (ended == lasting_.end()) return;
  const auto began = std::find_if(unheard_.begin(), unheard_.end(), [&](const Notice& notice) {
    return notice.text == ended->second.notice.text;
  });
  if (began != unheard_.end()) {
    unheard_.erase(began);
    ends_of_unheard_.insert(text);
  }
  lasting_.erase(ended);
  add({Notice::Level::notice, std::move(text)});
}

void NoticeBoard::forget(const std::string& finding) {
  const std::lock_guard lock(mutex_);
  lasting_.erase(finding);
}

std::vector<NoticeBoard::Lasting> NoticeBoard::lasting() {
  const std::lock_guard lock(mutex_);
  std::vector<Lasting> all;
  all.reserve(lasting_.size());
  for (const auto& [finding, each] : lasting_) all.push_back(each);
  return all;
}

std::deque<Notice> NoticeBoard::take() {
  const std::lock_guard lock(mutex_);
  ready_.clear();
  return std::exchange(notices_, {});
}

void NoticeBoard::put_back(std::deque<Notice> notices) {
  const std::lock_guard lock(mutex_);
  notices.insert(notices.end(), std::make_move_iterator(notices_.begin()),
                 std::make_move_iterator(notices_.end()));
  while (notices.size() > notices_kept) notices.pop_front();
  notices_ = std::move(notices);
}

void NoticeBoard::unheard(Notice notice) {
  const std::lock_guard lock(mutex_);
  if (ends_of_unheard_.erase(notice.text) > 0) return;
  unheard_.push_back(std::move(notice));
  if (unheard_.size() > notices_kept) unheard_.pop_front();
}

void NoticeBoard::say_unheard() {
  const std::lock_guard lock(mutex_);
  ends_of_unheard_.clear();
  for (Notice& notice : std::exchange(unheard_, {})) add(std::move(notice));
}

bool NoticeBoard::waiting() {
  const std::lock_guard lock(mutex_);
  return !notices_.empty();
}

void print_notice(const Notice& notice) {
  pollfd standard_error{STDERR_FILENO, POLLOUT, 0};
  if (poll(&standard_error, 1, 0) <= 0) return;
  const std::string line = std::string(program_invocation_short_name) + ": " + notice.text + "\n";
  (void)!write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace mailorigin::service
