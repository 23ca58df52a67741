// The last policy, kept in the state directory for the next start.
#pragma once

#include <optional>
#include <string>

#include "core/policy.h"

namespace mailorigin::service {

// Replaces the file in one step (a new file, renamed).
Status save_policy(const std::string& state_directory, std::string_view encoded);

// Nothing if there is none yet.
Result<std::optional<Policy>> load_policy(const std::string& state_directory);

}  // namespace mailorigin::service
