// A mail through each php-fpm pool, which is refused on its way: does its PHP ask?
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/result.h"
#include "reports/fpm_masters.h"

namespace mailorigin::reports {

// What a pool's answer comes to.
struct ProbeResult {
  std::string word;  // stable: docs/mailorigin.md has them
  std::string text;
};

struct PoolProbe {
  std::string program;  // of its master
  FpmPool pool;
  ProbeResult result;
};

// Puts a script into the runtime directory, asks each pool to run it, and takes it away. Fails
// where the script cannot be written.
Result<std::vector<PoolProbe>> probe_pools(const std::vector<FpmMaster>& masters,
                                           const std::string& runtime_directory);

// `socket`: where the pool's PHP has to ask.
ProbeResult probe_result(const Result<std::string>& answer, const std::string& socket);

// What is to be done about them.
void check_probes(const std::vector<PoolProbe>& probes, nlohmann::json& findings);

}  // namespace mailorigin::reports
