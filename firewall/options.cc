#include "firewall/options.h"

#include <charconv>
#include <optional>
#include <string_view>

#include "service/option_reader.h"

namespace mailorigin::firewall {

const char firewall_usage_text[] =
    "usage: mailorigin-firewall [options]\n"
    "\n"
    "Enforces in the kernel what httpd.conf says about connections to SMTP ports. It\n"
    "is started by httpd (MailOriginFirewall) or by systemd, as root, and keeps\n"
    "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON. What it has loaded stays when it ends.\n"
    "\n"
    "  --user USER|#uid    the account that it runs as (mailorigin-firewall)\n"
    "  --daemon-user USER|#uid\n"
    "                      mailorigind's account, which may ask it (mailorigin)\n"
    "  --runtime-dir DIR   where httpd keeps the sockets and the key (/run/mailorigin)\n"
    "  --state-dir DIR     where it keeps the policy (/var/lib/mailorigin-firewall)\n"
    "  --pin-dir DIR       below a bpf file system (/sys/fs/bpf/mailorigin)\n"
    "  --cgroup DIR        govern this cgroup alone (the root of cgroup2)\n"
    "  --mark VALUE/MASK   of the packets that may leave (0x5a000000/0xff000000)\n"
    "  --once              load the policy that was kept, and end\n"
    "  --remove            take everything of ours out of the kernel, and end\n"
    "  --version, --help\n";

namespace {

std::optional<std::uint32_t> parse_hexadecimal(std::string_view text) {
  if (!text.starts_with("0x")) return std::nullopt;
  text.remove_prefix(2);
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Status parse_mark(std::string_view text, FirewallOptions& options) {
  const std::size_t slash = text.find('/');
  const auto mark = parse_hexadecimal(text.substr(0, slash));
  const auto mask =
      slash == std::string_view::npos ? std::nullopt : parse_hexadecimal(text.substr(slash + 1));
  if (!mark || !mask || *mark == 0 || (*mark & ~*mask) != 0) {
    return Error{"--mark: '" + std::string(text) +
                 "' is not VALUE/MASK, two hexadecimal numbers of which the first is not 0 and "
                 "has no bit that the second has not"};
  }
  options.mark = *mark;
  options.mark_mask = *mask;
  return Done{};
}

}  // namespace

Result<FirewallOptions> parse_firewall_options(int count, const char* const arguments[]) {
  FirewallOptions options;
  std::string mark;
  const Status read = service::read_options(count, arguments,
                                            {{"--user", &options.user},
                                             {"--daemon-user", &options.daemon_user},
                                             {"--runtime-dir", &options.runtime_directory},
                                             {"--state-dir", &options.state_directory},
                                             {"--pin-dir", &options.pin_directory},
                                             {"--cgroup", &options.cgroup},
                                             {"--mark", &mark}},
                                            {{"--once", &options.once},
                                             {"--remove", &options.remove},
                                             {"--help", &options.help},
                                             {"--version", &options.version}});
  if (!read) return read.error();
  if (options.help || options.version) return options;
  if (options.once && options.remove) return Error{"--once and --remove exclude each other"};
  if (!mark.empty()) {
    if (const Status parsed = parse_mark(mark, options); !parsed) return parsed.error();
  }
  const struct {
    const char* name;
    const std::string& path;
  } directories[] = {{"--runtime-dir", options.runtime_directory},
                     {"--state-dir", options.state_directory},
                     {"--pin-dir", options.pin_directory},
                     {"--cgroup", options.cgroup}};
  for (const auto& each : directories) {
    if (&each.path == &options.cgroup && each.path.empty()) continue;
    if (!service::is_absolute(each.path))
      return Error{std::string(each.name) + " must be an absolute path"};
  }
  return options;
}

}  // namespace mailorigin::firewall
