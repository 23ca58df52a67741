#include <span>

#include "cli/block.h"
#include "cli/command.h"
#include "cli/firewall.h"
#include "cli/held.h"
#include "cli/import.h"
#include "cli/investigate.h"
#include "cli/limits.h"
#include "cli/policy.h"
#include "cli/status.h"
#include "cli/tail.h"
#include "cli/top.h"
#include "cli/trace.h"

namespace mailorigin::cli {

std::span<const Command* const> commands() {
  static constexpr const Command* table[] = {
      &status_command, &policy_command,  &firewall_command, &trace_command,   &investigate_command,
      &top_command,    &tail_command,    &held_command,     &release_command, &discard_command,
      &block_command,  &unblock_command, &blocks_command,   &limits_command,  &import_command};
  return table;
}

}  // namespace mailorigin::cli
