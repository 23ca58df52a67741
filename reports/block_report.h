// `mailorigin block`, `unblock` and `blocks`.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/blocks.h"
#include "core/result.h"

namespace mailorigin::reports {

struct BlockWish {
  BlockSubject subject;
  bool hold = false;
  std::optional<std::uint64_t> lasts_ms{};  // nothing: until further notice
  std::string reason{};
};

// Each does it by asking the daemon, and returns the facts of docs/mailorigin.md. Fails where
// it is not done: the daemon does not answer, no such user, too many blocks.
Result<nlohmann::json> block(const std::string& runtime_directory, const BlockWish& wish);
// Nothing: all. The one that is meant is found by each of its names.
Result<nlohmann::json> unblock(const std::string& runtime_directory,
                               const std::optional<BlockSubject>& subject);
Result<nlohmann::json> blocks_report(const std::string& runtime_directory);

// One of them, as docs/mailorigin.md has it below `blocks`.
nlohmann::json block_facts(const Block& block);

// The command that blocks it, as a shell reads it.
std::string block_command_of(const BlockSubject& subject);

}  // namespace mailorigin::reports
