#include "tracing/access_log.h"

#include <time.h>

#include <algorithm>
#include <cstdio>

#include "core/month_names.h"
#include "tracing/lines.h"

namespace mailorigin::tracing {

namespace {

// Without %^MO a request is known by its time: a line says when it came (%t), the event when
// it had got as far as the mail.
constexpr std::uint64_t longest_request_ms = 120'000;

bool is_probable(std::string_view line, const RequestToFind& request, std::string_view path) {
  if (request.client.empty() || path.empty()) return false;
  if (line.find(request.client) == std::string_view::npos) return false;
  if (line.find(request.method + ' ' + std::string(path)) == std::string_view::npos) return false;
  const std::uint64_t time = access_time_ms(line);
  return time > 0 && time <= request.time_ms + 1000 && time + longest_request_ms >= request.time_ms;
}

}  // namespace

std::uint64_t access_time_ms(std::string_view line) {
  for (std::size_t at = 0; (at = line.find('[', at)) != std::string_view::npos; at++) {
    const std::string text(line.substr(at + 1, 27));
    tm parts{};
    char month[4] = {}, sign = '+';
    int zone = 0;
    if (std::sscanf(text.c_str(), "%2d/%3s/%4d:%2d:%2d:%2d %c%4d", &parts.tm_mday, month,
                    &parts.tm_year, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &sign,
                    &zone) != 8) {
      continue;
    }
    const auto* const found = std::find(std::begin(month_names), std::end(month_names), month);
    if (found == std::end(month_names)) continue;
    parts.tm_mon = static_cast<int>(found - std::begin(month_names));
    parts.tm_year -= 1900;
    const time_t offset = zone / 100 * 60 + zone % 100;  // minutes
    const time_t seconds = timegm(&parts) - offset * (sign == '-' ? -60 : 60);
    return seconds < 0 ? 0 : static_cast<std::uint64_t>(seconds) * 1000;
  }
  return 0;
}

std::vector<std::string> access_log_lines(const std::vector<std::string>& logs,
                                          const RequestToFind& request) {
  std::vector<std::string> exact, probable;
  const std::string_view path = std::string_view(request.uri).substr(0, request.uri.find('?'));
  const std::uint64_t since_s =
      request.time_ms / 1000 - std::min<std::uint64_t>(request.time_ms / 1000, 1);
  for (const std::string& log : logs) {
    for (const std::string& file : with_rotated(log, since_s)) {
      const auto lines = Lines::open(file);
      if (!lines) continue;
      for (std::string_view line; exact.size() < access_lines_limit && (*lines)->next(line);) {
        if (!request.request_id.empty() &&
            line.find(request.request_id) != std::string_view::npos) {
          exact.emplace_back(line);
        } else if (exact.empty() && probable.size() < access_lines_limit &&
                   is_probable(line, request, path)) {
          probable.emplace_back(line);
        }
      }
    }
  }
  return exact.empty() ? probable : exact;
}

}  // namespace mailorigin::tracing
