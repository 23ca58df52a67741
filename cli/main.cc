// mailorigin: the administrator's view of MailOrigin.
#include <unistd.h>

#include <cstdio>

#include "cli/command_line.h"
#include "cli/output.h"
#include "core/own_procfs.h"

namespace mailorigin::cli {

namespace {

int run(int count, const char* const arguments[]) {
  const CommandLine line = parse_command_line(commands(), count, arguments);
  if (!line.error.empty()) {
    complain(printable(line.error));
    std::fputs(line.text.c_str(), stderr);
    return exit_usage;
  }
  if (!line.run) {
    print(line.text);
    return exit_well;
  }
  if (geteuid() != 0) {
    complain("must be run as root (sudo mailorigin ...): the services answer nobody else");
    return exit_to_do;
  }
  // Without one a tenant can keep this command waiting, and nothing else.
  (void)take_own_procfs();
  return line.run(line.common);
}

}  // namespace

}  // namespace mailorigin::cli

int main(int count, char* arguments[]) { return mailorigin::cli::run(count, arguments); }
