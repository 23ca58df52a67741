// When a log's line was written, in the forms that syslog, Exim, httpd and FTP servers have.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mailorigin::tracing {

struct LineTime {
  std::uint64_t ms = 0;  // since the epoch
  std::size_t size = 0;  // bytes of the line that say it
};

// For the lines of one file, in their order. What says no zone is of this machine's.
class LineClock {
 public:
  // `near_s`: when the file was changed for the last time; what says no year is of the last
  // one before.
  explicit LineClock(std::uint64_t near_s);

  // What stands at the line's beginning: "Nov 21 12:00:00", "Sat Nov 21 12:00:00 2026",
  // "2026-11-21T12:00:00.123456+01:00", "2026-11-21 12:00:00". Nothing where none does.
  std::optional<LineTime> time_of(std::string_view line);

 private:
  struct Minute {
    int year = 0, month = 0, day = 0, hour = 0, minute = 0;
    bool operator==(const Minute&) const = default;
  };
  std::uint64_t local_ms(const Minute& minute);
  std::optional<LineTime> short_time(std::string_view line);
  std::optional<LineTime> long_time(std::string_view line);

  const std::uint64_t near_ms_;
  int near_year_ = 0;
  // Lines come by the thousand in a minute; the zone's rules are asked once for all of them.
  Minute last_;
  std::uint64_t last_ms_ = 0;
};

// "[21/Nov/2026:12:00:00 +0000]" anywhere in a line; 0 if there is none.
std::uint64_t access_time_ms(std::string_view line);

}  // namespace mailorigin::tracing
