// A virtual host's rules for connections to SMTP ports, as the reports say them.
#pragma once

#include <nlohmann/json.hpp>

#include "core/smtp_policy.h"

namespace mailorigin::reports {

nlohmann::json smtp_facts(const SmtpPolicy& smtp);

}  // namespace mailorigin::reports
