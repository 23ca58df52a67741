// `mailorigin firewall --suggest`: the directives that let pass what would be refused and is
// usual.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/policy.h"
#include "core/result.h"
#include "reports/smtp_names.h"
#include "reports/store_access.h"

namespace mailorigin::reports {

// The facts of docs/mailorigin.md, `firewall --suggest`. `connections`: what was refused or
// observed between the two, milliseconds since the epoch.
nlohmann::json smtp_suggestion(const Policy& policy,
                               const std::vector<store::Connections>& connections,
                               const NamesOfAddresses& names, std::uint64_t since_ms,
                               std::uint64_t now_ms);

// The same of a store. Fails where that does, or where no policy is known.
Result<nlohmann::json> smtp_suggestion_of(OpenStore& opened, std::uint64_t span_ms,
                                          std::uint64_t now_ms);

}  // namespace mailorigin::reports
