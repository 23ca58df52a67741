// Postfix's log, followed: the one place where it says which user has submitted a message
// that came through pickup(8).
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/fd.h"

namespace mailorigin::milter {

// "... postfix/pickup[12]: 4ABCD: uid=33 from=<www-data>": both; nothing in any other line.
struct PickupLine {
  std::string_view queue_id;
  std::uint32_t uid;
};
std::optional<PickupLine> parse_pickup_line(std::string_view line);

// For several threads. Anybody on the machine can write such a line, also before its message is
// there: for queue ids that it may get. pickup(8) hands in one message at a time, so that a line
// whose message does not come is somebody's guess, as a rule. Who of two users submitted a message
// is not known, nor anything while more is guessed than the memory has room for.
class MailLog {
 public:
  // `path` may be empty, or name nothing (yet); a new file in its place is read from its
  // beginning.
  explicit MailLog(std::string path) : path_(std::move(path)) {}

  // From its end on. Before the first message.
  void begin();

  // Each message that came through pickup(8) is told of once, in one of two ways.
  // Waits for its line, mail_log_patience at most, unless there is no log, or none that
  // Postfix writes, or one that is not believed.
  std::optional<std::uint32_t> submitter_of(const std::string& queue_id);
  // It has come, and need not be known by the log.
  void message_came(const std::string& queue_id);

 private:
  struct Line {
    std::string queue_id;
    std::optional<std::uint32_t> uid;  // nothing: of two
    std::chrono::steady_clock::time_point since;
  };
  bool read_on();
  bool follow();
  void take(std::string_view line);
  std::optional<Line> taken_out(const std::string& queue_id);
  void expect_line(const std::string& queue_id);

  const std::string path_;
  std::mutex mutex_;
  Fd file_;
  std::string begun_;  // a line without its end yet
  // Lines without their message, and messages without their line, the oldest first.
  std::deque<Line> lines_;
  std::deque<std::string> without_line_;
  std::chrono::steady_clock::time_point doubted_until_;
  unsigned misses_ = 0;  // in a row
};

}  // namespace mailorigin::milter
