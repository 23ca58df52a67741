#include "tracing/line_times.h"

#include <time.h>

#include <algorithm>
#include <iterator>

#include "core/month_names.h"

namespace mailorigin::tracing {

namespace {

constexpr std::uint64_t day_ms = 86'400'000;

// `digits` of them at `at`, of which the first may be a blank; -1: there are none.
int number_at(std::string_view text, std::size_t at, std::size_t digits) {
  if (at + digits > text.size()) return -1;
  int value = 0;
  for (std::size_t i = 0; i < digits; i++) {
    const char c = text[at + i];
    if (c == ' ' && i == 0 && digits > 1) continue;
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

bool is_at(std::string_view text, std::size_t at, char c) {
  return at < text.size() && text[at] == c;
}

// 0 to 11; -1: it is none.
int month_at(std::string_view text, std::size_t at) {
  if (at + 3 > text.size()) return -1;
  const auto* const found =
      std::find(std::begin(month_names), std::end(month_names), text.substr(at, 3));
  return found == std::end(month_names) ? -1 : static_cast<int>(found - std::begin(month_names));
}

struct Clock {
  int hour = 0, minute = 0, second = 0;
};

// "12:00:00", a leap second included.
std::optional<Clock> clock_at(std::string_view text, std::size_t at) {
  const Clock clock{number_at(text, at, 2), number_at(text, at + 3, 2), number_at(text, at + 6, 2)};
  const bool written = is_at(text, at + 2, ':') && is_at(text, at + 5, ':');
  const bool known = clock.hour >= 0 && clock.hour < 24 && clock.minute >= 0 && clock.minute < 60 &&
                     clock.second >= 0 && clock.second <= 60;
  if (!written || !known) return std::nullopt;
  return clock;
}

bool is_day(int day) { return day >= 1 && day <= 31; }

// Days since 1970-01-01 of the Gregorian calendar; months from 0.
std::int64_t days_since_epoch(int year, int month, int day) {
  // Years that begin with March end with the day that is not always there.
  const std::int64_t from_march = month < 2 ? month + 10 : month - 2;
  const std::int64_t y = std::int64_t{year} - (month < 2 ? 1 : 0);
  const std::int64_t day_of_year = (153 * from_march + 2) / 5 + day - 1;
  return 365 * y + y / 4 - y / 100 + y / 400 + day_of_year - 719'468;
}

std::uint64_t utc_ms(int year, int month, int day, const Clock& clock,
                     std::int64_t offset_minutes) {
  const std::int64_t minutes =
      (days_since_epoch(year, month, day) * 24 + clock.hour) * 60 + clock.minute - offset_minutes;
  const std::int64_t seconds = minutes * 60 + clock.second;
  return seconds < 0 ? 0 : static_cast<std::uint64_t>(seconds) * 1000;
}

// "+0100", "+01:00" or "+01" at `at`; nothing where there is no sign.
struct Zone {
  std::int64_t minutes = 0;
  std::size_t size = 0;
};
std::optional<Zone> zone_at(std::string_view text, std::size_t at) {
  if (is_at(text, at, 'Z')) return Zone{0, 1};
  if (!is_at(text, at, '+') && !is_at(text, at, '-')) return std::nullopt;
  const int hours = number_at(text, at + 1, 2);
  if (hours < 0) return std::nullopt;
  const std::size_t colon = is_at(text, at + 3, ':') ? 1 : 0;
  const int minutes = number_at(text, at + 3 + colon, 2);
  const std::int64_t both = std::int64_t{hours} * 60 + std::max(minutes, 0);
  return Zone{text[at] == '-' ? -both : both, minutes < 0 ? 3 : 5 + colon};
}

}  // namespace

LineClock::LineClock(std::uint64_t near_s) : near_ms_(near_s * 1000) {
  const auto near_time = static_cast<time_t>(near_s);
  tm parts{};
  localtime_r(&near_time, &parts);
  near_year_ = parts.tm_year + 1900;
}

std::uint64_t LineClock::local_ms(const Minute& minute) {
  if (minute == last_) return last_ms_;
  tm parts{};
  parts.tm_year = minute.year - 1900;
  parts.tm_mon = minute.month;
  parts.tm_mday = minute.day;
  parts.tm_hour = minute.hour;
  parts.tm_min = minute.minute;
  parts.tm_isdst = -1;
  const time_t seconds = mktime(&parts);
  last_ = minute;
  last_ms_ = seconds < 0 ? 0 : static_cast<std::uint64_t>(seconds) * 1000;
  return last_ms_;
}

std::optional<LineTime> LineClock::short_time(std::string_view line) {
  // FTP servers have the day of the week in front, and the year behind.
  const bool with_year = is_at(line, 3, ' ') && month_at(line, 0) < 0 && month_at(line, 4) >= 0;
  const std::size_t begin = with_year ? 4 : 0;
  const int month = month_at(line, begin);
  const int day = number_at(line, begin + 4, 2);
  const auto clock = clock_at(line, begin + 7);
  const bool written = is_at(line, begin + 3, ' ') && is_at(line, begin + 6, ' ');
  if (month < 0 || !is_day(day) || !clock || !written) return std::nullopt;
  const std::uint64_t second_ms = static_cast<std::uint64_t>(clock->second) * 1000;
  if (with_year) {
    const int year = number_at(line, begin + 16, 4);
    if (year < 0 || !is_at(line, begin + 15, ' ')) return std::nullopt;
    return LineTime{local_ms({year, month, day, clock->hour, clock->minute}) + second_ms, 24};
  }
  for (const int back : {0, 1}) {
    const std::uint64_t ms =
        local_ms({near_year_ - back, month, day, clock->hour, clock->minute}) + second_ms;
    if (ms <= near_ms_ + day_ms) return LineTime{ms, 15};
  }
  return std::nullopt;
}

std::optional<LineTime> LineClock::long_time(std::string_view line) {
  const int year = number_at(line, 0, 4);
  const int month = number_at(line, 5, 2) - 1;
  const int day = number_at(line, 8, 2);
  const auto clock = clock_at(line, 11);
  const bool written = is_at(line, 4, '-') && is_at(line, 7, '-');
  if (year < 0 || month < 0 || month > 11 || !is_day(day) || !clock || !written)
    return std::nullopt;
  std::size_t end = 19;
  if (is_at(line, end, '.') || is_at(line, end, ',')) {
    end++;
    while (end < line.size() && line[end] >= '0' && line[end] <= '9') end++;
  }
  // Exim has a blank before it.
  if (is_at(line, end, ' ') && is_at(line, end + 6, ' ') && zone_at(line, end + 1)) end++;
  if (const auto zone = zone_at(line, end)) {
    return LineTime{utc_ms(year, month, day, *clock, zone->minutes), end + zone->size};
  }
  return LineTime{local_ms({year, month, day, clock->hour, clock->minute}) +
                      static_cast<std::uint64_t>(clock->second) * 1000,
                  end};
}

std::optional<LineTime> LineClock::time_of(std::string_view line) {
  if (line.size() < 15) return std::nullopt;
  return line[4] == '-' ? long_time(line) : short_time(line);
}

std::uint64_t access_time_ms(std::string_view line) {
  for (std::size_t at = 0; (at = line.find('[', at)) != std::string_view::npos; at++) {
    const std::string_view text = line.substr(at + 1, 26);
    const int day = number_at(text, 0, 2);
    const int month = month_at(text, 3);
    const int year = number_at(text, 7, 4);
    const auto clock = clock_at(text, 12);
    const auto zone = zone_at(text, 21);
    if (is_day(day) && month >= 0 && year >= 0 && clock && zone) {
      return utc_ms(year, month, day, *clock, zone->minutes);
    }
  }
  return 0;
}

}  // namespace mailorigin::tracing
