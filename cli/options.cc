#include "cli/options.h"

#include <getopt.h>

#include <optional>
#include <string_view>
#include <vector>

namespace mailorigin {

const char usage_text[] =
    "usage: mailorigin [options] status\n"
    "       mailorigin [options] policy [VHOST]\n"
    "       mailorigin [options] firewall [--remove]\n"
    "\n"
    "  status               is everything loaded, connected and enforcing? What to do if not\n"
    "  policy               each virtual host and what it may send; with VHOST (ServerName,\n"
    "                       or ServerName:port) all of it, in httpd.conf's words\n"
    "  firewall             what is enforced, and how often; --remove takes it out of the kernel\n"
    "\n"
    "  --json               the same facts as JSON\n"
    "  --runtime-dir DIR    MailOriginRuntimeDir (/run/mailorigin)\n"
    "  --version, --help\n"
    "\n"
    "Exit status: 0 all is well, or found; 1 something is to be done, or not found; 2 usage.\n";

namespace {

enum Option { json = 256, runtime_directory, remove, version, help };

constexpr option long_options[] = {{"json", no_argument, nullptr, Option::json},
                                   {"runtime-dir", required_argument, nullptr, runtime_directory},
                                   {"remove", no_argument, nullptr, Option::remove},
                                   {"version", no_argument, nullptr, version},
                                   {"help", no_argument, nullptr, help},
                                   {nullptr, 0, nullptr, 0}};

std::optional<Command> command_named(std::string_view name) {
  if (name == "status") return Command::status;
  if (name == "policy") return Command::policy;
  if (name == "firewall") return Command::firewall;
  return std::nullopt;
}

Status take_words(const std::vector<std::string>& words, Options& options) {
  if (words.empty()) return Error{"a command is missing: status, policy or firewall"};
  const auto command = command_named(words[0]);
  if (!command) return Error{"'" + words[0] + "' is none of status, policy, firewall"};
  options.command = *command;
  const std::size_t allowed = *command == Command::policy ? 2 : 1;
  if (words.size() > allowed) return Error{"'" + words[allowed] + "' is one argument too many"};
  if (words.size() == 2) {
    if (words[1].empty()) return Error{"VHOST is empty"};
    options.vhost = words[1];
  }
  if (options.remove && options.command != Command::firewall) {
    return Error{"--remove belongs to firewall"};
  }
  if (options.remove && options.json) return Error{"--remove has no JSON"};
  return Done{};
}

}  // namespace

Result<Options> parse_options(int count, char* const arguments[]) {
  Options options;
  opterr = 0;
  optind = 0;  // glibc: begin anew
  for (;;) {
    const int before = optind == 0 ? 1 : optind;
    switch (getopt_long(count, arguments, ":", long_options, nullptr)) {
      case Option::json:
        options.json = true;
        continue;
      case runtime_directory:
        options.runtime_directory = optarg;
        if (!options.runtime_directory.starts_with('/')) {
          return Error{"--runtime-dir must be an absolute path"};
        }
        continue;
      case Option::remove:
        options.remove = true;
        continue;
      case version:
        options.command = Command::version;
        return options;
      case help:
        return options;
      case ':':
        return Error{"--runtime-dir needs a value"};
      case '?':
        return Error{"'" + std::string(arguments[std::max(before, optind - 1)]) +
                     "' is not an option, or takes no value"};
      default:
        break;
    }
    break;
  }
  std::vector<std::string> words;
  for (int i = optind; i < count; i++) words.emplace_back(arguments[i]);
  if (const Status taken = take_words(words, options); !taken) return taken.error();
  return options;
}

}  // namespace mailorigin
