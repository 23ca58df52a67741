#include "cli/commands.h"
#include "cli/fields.h"
#include "cli/findings.h"
#include "cli/output.h"
#include "cli/policy_report.h"
#include "cli/services.h"
#include "core/socket_paths.h"

namespace mailorigin {

int run_policy(const Options& options) {
  const auto policy = ask_policy(control_socket(options.runtime_directory));
  if (!policy) {
    const nlohmann::json fault = daemon_unreachable(policy.error());
    complain(text_at(fault, "text") + "\n  -> " + text_at(fault, "remedy"));
    return exit_to_do;
  }
  const auto report = policy_report(*policy, options.vhost);
  if (!report) {
    complain("no virtual host is named '" + printable(options.vhost) +
             "'; `mailorigin policy` lists them");
    return exit_to_do;
  }
  if (options.json) {
    print_json(*report);
  } else {
    print(policy_text(*report, !options.vhost.empty(), Style::of_stdout()));
  }
  return exit_well;
}

}  // namespace mailorigin
