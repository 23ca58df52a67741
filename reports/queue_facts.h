// Whether the mail server asks about what enters its queue, and holds what it is told to.
#pragma once

#include <nlohmann/json.hpp>

#include "core/policy.h"

namespace mailorigin::reports {

// What is wrong with it, into `findings`. `daemon` is what mailorigind says of itself.
void check_queue(const nlohmann::json& daemon, const Policy& policy, nlohmann::json& findings);

}  // namespace mailorigin::reports
