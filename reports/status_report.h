// `mailorigin status`: from what the services say to what is well and what is to be done.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/policy.h"
#include "core/result.h"
#include "reports/missing_users.h"
#include "reports/open_ways.h"
#include "reports/php.h"

namespace mailorigin::reports {

// What was found out.
struct Observed {
  nlohmann::json daemon;                      // its answer
  std::optional<Policy> policy;               // nothing: there is none (yet)
  Result<nlohmann::json> firewall = Error{};  // its answer
  std::optional<bool> firewall_policy_is_kept = {};
  std::optional<std::uint32_t> httpd_uid = {};  // of httpd's User
  std::vector<PhpProgram> php = {};
  std::vector<MissingUser> missing_users = {};
  std::vector<OpenWay> open_ways = {};
};

// Asks the services. The error: the daemon did not answer.
Result<Observed> observe(const std::string& runtime_directory);

// The facts of docs/mailorigin.md, `status`.
nlohmann::json status_report(const Observed& observed);
// The same where the daemon did not answer.
nlohmann::json status_report_without_daemon(const Error& error);

}  // namespace mailorigin::reports
