#include "cli/report.h"

#include <algorithm>
#include <chrono>

namespace mailorigin::cli {

std::uint64_t now_ms() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
}

int print_report(const Result<nlohmann::json>& report, const Common& common,
                 std::string (*text)(const nlohmann::json& report, const Style& style),
                 bool (*found)(const nlohmann::json& report)) {
  if (!report) {
    complain(printable(report.error().message));
    return exit_to_do;
  }
  if (common.json) {
    print_json(*report);
  } else {
    print(text(*report, Style::of_stdout()));
  }
  return found(*report) ? exit_well : exit_to_do;
}

std::string fact(const std::string& name, const std::string& value, const Style& style) {
  constexpr std::size_t column = 10;
  if (value.empty()) return "";
  std::string padded = name;
  padded.resize(std::max(column, name.size() + 1), ' ');
  return style.lines(padded + printable(value), 2, column);
}

std::string advice_text(const nlohmann::json& directives, const std::string& vhost,
                        const Style& style) {
  if (directives.empty()) return "";
  std::string out = '\n' + style.heading("To stop it") + '\n';
  out += style.lines(
      "one of these in " +
          (vhost.empty() ? std::string("httpd.conf") : "the <VirtualHost> of " + printable(vhost)) +
          ", then `apachectl graceful`:",
      2, 0);
  // As httpd reads them: not broken.
  for (const nlohmann::json& line : directives) {
    if (line.is_string()) out += "    " + printable(line.get<std::string>()) + '\n';
  }
  return out;
}

}  // namespace mailorigin::cli
