// `mailorigin limits`: what is used of a site's MailOriginLimits, and by whom.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "core/result.h"
#include "core/wire/limiting.h"

namespace mailorigin::reports {

// As docs/mailorigin.md has it, of the site that is called so (see Policy::called()). Asks the
// daemon, and the store for who may have been counted; without one that is said, and less is found.
// Fails where the daemon does not answer, or httpd has no such site.
Result<nlohmann::json> limits_report(const std::string& runtime_directory, const std::string& name,
                                     std::uint64_t now_ms);

// The facts of what the daemon has answered.
nlohmann::json limit_facts(const std::string& site, const SiteLimits& limits);

// Has all limits of the site that is called so begin anew.
Result<nlohmann::json> reset_limits(const std::string& runtime_directory, const std::string& name);

}  // namespace mailorigin::reports
