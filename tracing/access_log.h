// A request's lines in access logs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mailorigin::tracing {

struct RequestToFind {
  std::string request_id;
  std::string client;
  std::string method;
  std::string uri;
  std::uint64_t time_ms = 0;  // when it sent a mail: it began before, and is logged at its end
};

// Lines with the id (%^MO in CustomLog); where no line has it, those of the client, the
// method, the path and the time. at most access_lines_limit.
std::vector<std::string> access_log_lines(const std::vector<std::string>& logs,
                                          const RequestToFind& request);
inline constexpr std::size_t access_lines_limit = 20;

}  // namespace mailorigin::tracing
