#include "tracing/access_log.h"

#include <algorithm>
#include <cstdint>

#include "tracing/line_times.h"
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

std::vector<std::string> access_log_lines(const std::vector<std::string>& logs,
                                          const RequestToFind& request) {
  std::vector<std::string> sure, exact, probable;
  std::uint64_t unpacked = 0;
  const std::string_view path = std::string_view(request.uri).substr(0, request.uri.find('?'));
  const std::uint64_t since_s =
      request.time_ms / 1000 - std::min<std::uint64_t>(request.time_ms / 1000, 1);
  for (const std::string& log : logs) {
    for (const std::string& file : with_rotated(log, since_s)) {
      if (unpacked >= unpacked_logs_limit) break;
      const auto lines = Lines::open(file);
      if (!lines) continue;
      const auto add = [](std::vector<std::string>& to, std::string_view line) {
        if (to.size() < access_lines_limit) to.emplace_back(line);
      };
      for (std::string_view line; sure.size() < access_lines_limit && (*lines)->next(line);) {
        const bool has_id =
            !request.request_id.empty() && line.find(request.request_id) != std::string_view::npos;
        const bool fits =
            (has_id || probable.size() < access_lines_limit) && is_probable(line, request, path);
        // Who knows the id can write it into lines of other requests, as a User-Agent say.
        if (has_id) add(fits ? sure : exact, line);
        if (!has_id && fits) add(probable, line);
      }
      unpacked += (*lines)->unpacked();
    }
  }
  if (!sure.empty()) return sure;
  return exact.empty() ? probable : exact;
}

}  // namespace mailorigin::tracing
