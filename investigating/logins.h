// Who logged in or brought files around the times at which a file changed: lines of ssh, sftp, ftp,
// cron, sudo and su, of log files or the systemd journal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "investigating/file_facts.h"
#include "investigating/log_pass.h"

namespace mailorigin::investigating {

inline constexpr char journal[] = "journal";

struct LoginLine {
  std::uint64_t ms = 0;
  std::string log;  // its file, or `journal`
  std::string line;
};

// What lines may be about.
struct LoginQuestion {
  std::string path;   // of the file
  std::string owner;  // its owner's name; may be empty
  Times times;
};

// A line counts if it names the file, or if it is of one of those programs, names the owner and was
// written within logins_ms of one of the times.
class LoginSearch {
 public:
  explicit LoginSearch(LoginQuestion question);

  // Whole lines of a log that was changed for the last time at `near_s`.
  void add(const std::string& log, std::string_view lines, std::uint64_t near_s);
  // By their time; at most login_lines_limit, the nearest to one of the times.
  std::vector<LoginLine> take();

  // From and to, seconds since the epoch: spans that lines are looked for in.
  [[nodiscard]] const std::vector<std::pair<std::uint64_t, std::uint64_t>>& spans() const {
    return spans_;
  }

 private:
  [[nodiscard]] std::uint64_t distance_of(std::uint64_t ms) const;

  LoginQuestion question_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> spans_;
  std::vector<LoginLine> found_;
};

// Where such programs log on this machine, without what has been rotated.
std::vector<std::string> usual_login_logs();
// Adds what the journal has of these spans. Fails where there is no journalctl.
Status add_journal(LoginSearch& search);

}  // namespace mailorigin::investigating
