// `mailorigin firewall`: what is enforced, how often, and what is to be done.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/policy.h"
#include "core/result.h"

namespace mailorigin::reports {

// The facts of docs/mailorigin.md, `firewall`. `policy` is the daemon's, or why
// there is none; `answer` is what the firewall says about itself, `policy_is_kept` whether it
// would load one.
nlohmann::json firewall_report(const Result<Policy>& policy, const Result<nlohmann::json>& answer,
                               std::optional<bool> policy_is_kept);

}  // namespace mailorigin::reports
