// Notices: what error_log shall say, collected from all threads.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "core/wire/control.h"
#include "service/event_fd.h"

namespace mailorigin::service {

// Safe to use from several threads. Keeps notices_kept of them; a flood drops
// the oldest.
class NoticeBoard {
 public:
  void say(Notice::Level level, std::string text);

  // Something that lasts: said when it begins and when it is over, and not in
  // between. `finding` names it.
  void begins(const std::string& finding, Notice::Level level, std::string text);
  void over(const std::string& finding, std::string text);
  // It does not matter any more; nothing is said.
  void forget(const std::string& finding);

  // What has begun and is not over, and since when (milliseconds since the epoch).
  struct Lasting {
    std::uint64_t since_ms = 0;
    Notice notice;
  };
  [[nodiscard]] std::vector<Lasting> lasting();

  // Readable when there is something new to take.
  [[nodiscard]] int fd() const { return ready_.get(); }
  std::deque<Notice> take();
  // Puts back what could not be passed on yet; waiting() reminds of it.
  void put_back(std::deque<Notice> notices);
  [[nodiscard]] bool waiting();

  // No httpd was there to be told this; notices_kept of them are remembered.
  void unheard(Notice notice);
  // One is there now: what it has not heard is said again, but for what began and is
  // over already.
  void say_unheard();

 private:
  void add(Notice notice);  // mutex_ is held

  std::mutex mutex_;
  std::deque<Notice> notices_;
  std::deque<Notice> unheard_;
  std::set<std::string> ends_of_unheard_;   // texts of notices that need not be repeated
  std::map<std::string, Lasting> lasting_;  // by the finding's name
  EventFd ready_;
};

// One line on stderr, where there is no httpd to tell; never waits for its reader.
void print_notice(const Notice& notice);

}  // namespace mailorigin::service
