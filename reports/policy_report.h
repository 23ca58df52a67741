// `mailorigin policy`: what httpd.conf comes to, per virtual host.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/policy.h"

namespace mailorigin::reports {

// The facts of docs/mailorigin.md, `policy`: of all virtual hosts, or of those
// that `vhost` names: "ServerName:port", "ServerName" of any port, in any case of
// letters. Nothing if there is none of that name.
std::optional<nlohmann::json> policy_report(const Policy& policy, const std::string& vhost);

}  // namespace mailorigin::reports
