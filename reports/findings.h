// What is to be done, as facts for both kinds of output.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/policy.h"
#include "core/result.h"

namespace mailorigin::reports {

// One thing to be done: an object with `part`, `text` and `remedy`.
nlohmann::json finding(const std::string& part, const std::string& text, const std::string& remedy);

// What was asked for could not be had; see remedy_of().
nlohmann::json finding(const std::string& part, const Error& error);

// Of the firewall, which httpd.conf wants in `mode`; `answer` is what it says about
// itself, `policy_is_kept` whether it would load one
// (nothing: not known). Where the mode is off: whether it heard.
nlohmann::json firewall_findings(FirewallMode mode, const Result<nlohmann::json>& answer,
                                 std::optional<bool> policy_is_kept);

}  // namespace mailorigin::reports
