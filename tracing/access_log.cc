#include "tracing/access_log.h"

#include <algorithm>

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
