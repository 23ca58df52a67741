#include "mailorigind/options.h"

#include <string_view>

namespace mailorigin {

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

namespace {

bool absolute(const std::string& path) { return !path.empty() && path[0] == '/'; }

}  // namespace

Result<Options> parse_options(int count, const char* const arguments[]) {
  Options options;
  for (int i = 1; i < count; i++) {
    const std::string_view argument = arguments[i];
    if (argument == "--help") {
      options.help = true;
      continue;
    }
    if (argument == "--version") {
      options.version = true;
      continue;
    }
    const std::size_t equals = argument.find('=');
    const std::string_view name = argument.substr(0, equals);
    std::string* value = name == "--user"          ? &options.user
                         : name == "--state-dir"   ? &options.state_directory
                         : name == "--runtime-dir" ? &options.runtime_directory
                                                   : nullptr;
    if (value == nullptr) return Error{"'" + std::string(argument) + "' is not an option"};
    if (equals != std::string_view::npos) {
      *value = argument.substr(equals + 1);
    } else if (i + 1 < count) {
      *value = arguments[++i];
    } else {
      return Error{std::string(name) + " needs a value"};
    }
  }
  if (options.help || options.version) return options;
  if (options.user.empty()) return Error{"--user is missing"};
  if (!absolute(options.state_directory)) return Error{"--state-dir must be an absolute path"};
  if (!absolute(options.runtime_directory)) return Error{"--runtime-dir must be an absolute path"};
  return options;
}

}  // namespace mailorigin
