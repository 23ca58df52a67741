// mailorigin: the administrator's view of MailOrigin.
#include <unistd.h>

#include <cstdio>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/output.h"

namespace mailorigin {

void complain(const std::string& text) { std::fprintf(stderr, "mailorigin: %s\n", text.c_str()); }

namespace {

int run(int count, char* const arguments[]) {
  const auto options = parse_options(count, arguments);
  if (!options) {
    complain(printable(options.error().message));
    std::fputs(usage_text, stderr);
    return exit_usage;
  }
  if (options->command == Command::help) {
    print(usage_text);
    return exit_well;
  }
  if (options->command == Command::version) {
    std::puts("mailorigin " MAILORIGIN_VERSION);
    return exit_well;
  }
  if (geteuid() != 0) {
    complain("must be run as root (sudo mailorigin ...): the services answer nobody else");
    return exit_to_do;
  }
  switch (options->command) {
    case Command::status:
      return run_status(*options);
    case Command::policy:
      return run_policy(*options);
    default:
      return run_firewall(*options);
  }
}

}  // namespace

}  // namespace mailorigin

int main(int count, char* arguments[]) { return mailorigin::run(count, arguments); }
