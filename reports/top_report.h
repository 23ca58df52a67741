// `mailorigin top`: who sends most.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

#include "core/result.h"
#include "reports/store_access.h"

namespace mailorigin::reports {

struct TopQuestion {
  store::Per per = store::Per::vhost;
  std::uint64_t span_ms = store::hour_ms;  // up to now
  std::uint64_t now_ms = 0;
  std::size_t most = 20;
};

// As docs/mailorigin.md has it. Fails only where the store does.
Result<nlohmann::json> top_report(const TopQuestion& question, StoreAccess& store);

}  // namespace mailorigin::reports
