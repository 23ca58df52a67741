// `mailorigin trace`: from what somebody has of a mail to where it came from.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/blocks.h"
#include "core/policy.h"
#include "core/result.h"
#include "reports/store_access.h"

namespace mailorigin::reports {

struct TraceQuestion {
  std::string_view input;              // an id, a line, a mail
  std::vector<std::string> mail_logs;  // paths, without what has been rotated
  Blocks blocks;                       // that the daemon has
  std::optional<bool> exim_asks;       // about messages, of late; nothing: not known
  std::uint64_t now_ms = 0;
};

// As docs/mailorigin.md has it. Fails only where the store does.
Result<nlohmann::json> trace_report(const TraceQuestion& question,
                                    const std::optional<Policy>& policy, StoreAccess& store);

}  // namespace mailorigin::reports
