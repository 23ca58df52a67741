// `mailorigin investigate`: what is known of a file on this host.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/blocks.h"
#include "core/policy.h"
#include "core/result.h"
#include "investigating/file_facts.h"
#include "investigating/log_pass.h"
#include "reports/store_access.h"

namespace mailorigin::reports {

struct FileQuestion {
  std::string path;  // absolute
  // Nothing where it is gone: the logs and the store may know it still.
  std::optional<investigating::OpenFile> file;
  std::vector<std::string> access_logs;  // empty: those of the policy
  std::vector<std::string> login_logs;   // empty: the usual ones, and the journal
  std::string clamd;                     // empty: the one that is configured here
  Blocks blocks;                         // that the daemon has
  std::uint64_t now_ms = 0;
  investigating::Progress progress;  // may be empty
};

// As docs/mailorigin.md has it. What cannot be had is said in it.
nlohmann::json investigate_report(const FileQuestion& question, const std::optional<Policy>& policy,
                                  Result<StoreAccess>& store);

}  // namespace mailorigin::reports
