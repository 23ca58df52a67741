// `mailorigin firewall --suggest`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace mailorigin::cli {

// A smtp_suggestion() as lines for httpd.conf; `explained`: with a comment above each that says
// what it is for.
std::string suggestion_text(const nlohmann::json& report, bool explained);

}  // namespace mailorigin::cli
