#include "cli/commands.h"
#include "cli/fields.h"
#include "cli/httpd_process.h"
#include "cli/output.h"
#include "cli/services.h"
#include "cli/status_report.h"
#include "core/socket_paths.h"

namespace mailorigin {

namespace {

nlohmann::json observe(const Options& options) {
  const std::string socket = control_socket(options.runtime_directory);
  const auto daemon = ask_status(socket);
  if (!daemon) return status_report_without_daemon(daemon.error());
  Observed observed;
  observed.daemon = *daemon;
  if (!member(*daemon, "policy").is_object()) return status_report(observed);
  auto policy = ask_policy(socket);
  if (!policy) return status_report_without_daemon(policy.error());
  observed.httpd_uid = httpd_user(policy->instance);
  observed.firewall = ask_status(firewall_socket(options.runtime_directory));
  observed.firewall_policy_is_kept = firewall_policy_is_kept(options.runtime_directory);
  observed.policy = *std::move(policy);
  return status_report(observed);
}

}  // namespace

int run_status(const Options& options) {
  const nlohmann::json report = observe(options);
  if (options.json) {
    print_json(report);
  } else {
    print(status_text(report, Style::of_stdout()));
  }
  return flag_at(report, "well") ? exit_well : exit_to_do;
}

}  // namespace mailorigin
