#include <unistd.h>

#include <cerrno>

#include "cli/commands.h"
#include "cli/fields.h"
#include "cli/firewall_report.h"
#include "cli/output.h"
#include "cli/services.h"
#include "core/socket_paths.h"

namespace mailorigin {

namespace {

int remove_firewall(const Options& options) {
  const char* const program = MAILORIGIN_FIREWALL_PATH;
  execl(program, "mailorigin-firewall", "--remove", "--runtime-dir",
        options.runtime_directory.c_str(), static_cast<char*>(nullptr));
  complain(system_error(std::string("cannot execute ") + program, errno).message);
  return exit_to_do;
}

}  // namespace

int run_firewall(const Options& options) {
  if (options.remove) return remove_firewall(options);
  const auto policy = ask_policy(control_socket(options.runtime_directory));
  const auto answer = ask_status(firewall_socket(options.runtime_directory));
  const nlohmann::json report =
      firewall_report(policy, answer, firewall_policy_is_kept(options.runtime_directory));
  if (options.json) {
    print_json(report);
  } else {
    print(firewall_text(report, Style::of_stdout()));
  }
  return flag_at(report, "well") ? exit_well : exit_to_do;
}

}  // namespace mailorigin
