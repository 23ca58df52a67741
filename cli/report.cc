#include "cli/report.h"

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

}  // namespace mailorigin::cli
