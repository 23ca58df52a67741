#include "reports/host_facts.h"

#include <sys/timex.h>

#include <chrono>
#include <filesystem>
#include <system_error>

#include "core/event.h"
#include "reports/findings.h"

namespace mailorigin::reports {

namespace {

constexpr std::uint64_t tolerance_ms = 60'000;

}  // namespace

HostFacts host_facts() {
  using namespace std::chrono;
  HostFacts facts;
  timex asked{};
  facts.clock_is_synchronized = adjtimex(&asked) != -1 && (asked.status & STA_UNSYNC) == 0;
  std::error_code fault;
  facts.mail_program = std::filesystem::canonical("/usr/sbin/sendmail", fault).string();
  facts.now_ms = static_cast<std::uint64_t>(
      duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
  return facts;
}

void check_clock(const HostFacts& facts, const std::string& started, nlohmann::json& findings) {
  const auto started_ms = parse_rfc3339(started);
  if (!started_ms || facts.now_ms >= *started_ms || *started_ms - facts.now_ms <= tolerance_ms)
    return;
  findings.push_back(
      finding("daemon",
              "the clock says " + rfc3339(facts.now_ms) + ", and mailorigind was started at " +
                  started + ": it has been set back, and what is later looks earlier",
              "a time service (systemd-timesyncd, chrony), and restart mailorigind"));
}

}  // namespace mailorigin::reports
