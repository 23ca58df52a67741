// `mailorigin status`: from what the services say to what is well and what is to be done.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/policy.h"
#include "core/result.h"
#include "reports/fpm_masters.h"
#include "reports/host_facts.h"
#include "reports/missing_users.h"
#include "reports/open_ways.h"
#include "reports/php.h"
#include "reports/probe.h"

namespace mailorigin::reports {

// What was found out.
struct Observed {
  nlohmann::json daemon;                      // its answer
  bool store_is_missing = false;              // the store's file, which it has open
  std::optional<Policy> policy;               // nothing: there is none (yet)
  Result<nlohmann::json> firewall = Error{};  // its answer
  std::optional<bool> firewall_policy_is_kept = {};
  std::optional<std::uint32_t> httpd_uid = {};  // of httpd's User
  std::vector<PhpProgram> php = {};
  std::vector<FpmMaster> masters = {};
  std::optional<Result<std::vector<PoolProbe>>> probes =
      {};  // of their pools, where that was asked for
  HostFacts host = {};
  std::vector<MissingUser> missing_users = {};
  std::vector<OpenWay> open_ways = {};
};

// Asks the services; with `probes` the pools of php-fpm as well. The error: the daemon did not
// answer.
Result<Observed> observe(const std::string& runtime_directory, bool probes = false);

// The facts of docs/mailorigin.md, `status`.
nlohmann::json status_report(const Observed& observed);
// The same where the daemon did not answer.
nlohmann::json status_report_without_daemon(const Error& error);

}  // namespace mailorigin::reports
