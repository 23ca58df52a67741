// Whether the mail server asks about what enters its queue, and holds what it is told to.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "core/policy.h"

namespace mailorigin::reports {

// Whether some mail server does. `daemon` is what mailorigind says of itself.
bool somebody_holds(const nlohmann::json& daemon);
inline constexpr std::string_view nobody_holds =
    "no mail server that holds is connected: until there is one, what is to be held is refused "
    "(no-hold)";

// What is wrong with it, into `findings`.
void check_queue(const nlohmann::json& daemon, const Policy& policy, nlohmann::json& findings);

}  // namespace mailorigin::reports
