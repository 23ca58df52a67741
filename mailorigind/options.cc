#include "mailorigind/options.h"

#include "service/option_reader.h"

namespace mailorigin::daemon {

const char usage_text[] =
    "usage: mailorigind --user USER|#uid --state-dir DIR --runtime-dir DIR\n"
    "\n"
    "Answers the questions of programs that send mail, and writes MailOrigin's logs.\n"
    "It is started by httpd (MailOriginDaemon) or by systemd, which hand it its\n"
    "listening sockets: LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES with the names\n"
    "question (one or more), control (one) and lifeline (from httpd only).\n"
    "\n"
    "  --user USER|#uid    the account that it runs as; not root\n"
    "  --state-dir DIR     its journal and what else it keeps; made if missing\n"
    "  --runtime-dir DIR   where httpd keeps the sockets and the key\n"
    "  --version, --help\n";

Result<Options> parse_options(int count, const char* const arguments[]) {
  Options options;
  const Status read =
      service::read_options(count, arguments,
                            {{"--user", &options.user},
                             {"--state-dir", &options.state_directory},
                             {"--runtime-dir", &options.runtime_directory}},
                            {{"--help", &options.help}, {"--version", &options.version}});
  if (!read) return read.error();
  if (options.help || options.version) return options;
  if (options.user.empty()) return Error{"--user is missing"};
  if (!service::is_absolute(options.state_directory))
    return Error{"--state-dir must be an absolute path"};
  if (!service::is_absolute(options.runtime_directory))
    return Error{"--runtime-dir must be an absolute path"};
  return options;
}

}  // namespace mailorigin::daemon
