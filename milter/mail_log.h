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
#include <unordered_map>
#include <utility>

#include "core/fd.h"

namespace mailorigin::milter {

// "... postfix/pickup[12]: 4ABCD: uid=33 from=<www-data>": both; nothing in any other line.
struct PickupLine {
  std::string_view queue_id;
  std::uint32_t uid;
};
std::optional<PickupLine> parse_pickup_line(std::string_view line);

// For several threads. Anybody on the machine can write such a line: who of two users
// submitted a message is not known, nor anything while the first of two lines may be forgotten.
class MailLog {
 public:
  // `path` may be empty, or name nothing (yet); a new file in its place is read from its
  // beginning.
  explicit MailLog(std::string path) : path_(std::move(path)) {}

  // From its end on. Before the first message.
  void begin();

  // Waits for the line, mail_log_patience at most, unless there is no log, or none that
  // Postfix writes, or one with more lines than can be remembered.
  std::optional<std::uint32_t> submitter_of(const std::string& queue_id);

 private:
  bool read_on();
  bool follow();
  void take(std::string_view line);

  const std::string path_;
  std::mutex mutex_;
  Fd file_;
  std::string begun_;  // a line without its end yet
  std::unordered_map<std::string, std::optional<std::uint32_t>> submitters_;  // nothing: of two
  struct Remembered {
    std::string queue_id;
    std::chrono::steady_clock::time_point since;
  };
  std::deque<Remembered> oldest_first_;
  std::chrono::steady_clock::time_point flooded_until_;
  unsigned misses_ = 0;  // in a row
};

}  // namespace mailorigin::milter
