#include "milter/options.h"

#include <cstdint>
#include <string_view>

#include "core/name_values.h"
#include "service/option_reader.h"

namespace mailorigin::milter {

namespace {

constexpr std::string_view inet = "inet:";

std::optional<mode_t> parse_mode(std::string_view text) {
  if (text.empty() || text.size() > 4) return std::nullopt;
  mode_t mode = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '7') return std::nullopt;
    mode = mode * 8 + static_cast<mode_t>(digit - '0');
  }
  return mode <= 0777 ? std::optional(mode) : std::nullopt;
}

Status read_on_failure(const std::string& text, OnFailure& on_failure) {
  if (text != "allow" && text != "hold") {
    return Error{"--on-failure: '" + text + "' is neither allow nor hold"};
  }
  on_failure = text == "hold" ? OnFailure::hold : OnFailure::allow;
  return Done{};
}

}  // namespace

const char usage_text[] =
    "usage: mailorigin-milter --listen PATH|inet:PORT --user USER|#uid [options]\n"
    "\n"
    "Sees each message that enters Postfix's queue, and asks mailorigind about it.\n"
    "It is started by httpd (MailOriginMilter) or by systemd.\n"
    "\n"
    "  --listen PATH        the socket that main.cf names, as unix:PATH\n"
    "  --listen inet:PORT   a port of 127.0.0.1 instead\n"
    "  --mode MODE          of the socket, octal; 0660\n"
    "  --user USER|#uid     the account that it runs as; not root\n"
    "  --mail-user USER     the mail server's: nobody else but root may connect; postfix\n"
    "  --daemon-socket PATH  where mailorigind listens\n"
    "  --mail-log FILE      where Postfix logs who has submitted a message\n"
    "  --on-failure allow|hold  a message that nobody answers about; allow\n"
    "  --version, --help\n";

std::optional<std::uint16_t> Options::port() const {
  if (!std::string_view(listen).starts_with(inet)) return std::nullopt;
  const auto number = parse_number(std::string_view(listen).substr(inet.size()), UINT16_MAX);
  return number ? std::optional(static_cast<std::uint16_t>(*number)) : std::nullopt;
}

Result<Options> parse_options(int count, const char* const arguments[]) {
  Options options;
  std::string mode = "0660";
  std::string on_failure = "allow";
  const Status read =
      service::read_options(count, arguments,
                            {{"--listen", &options.listen},
                             {"--mode", &mode},
                             {"--user", &options.user},
                             {"--mail-user", &options.mail_user},
                             {"--daemon-socket", &options.daemon_socket},
                             {"--mail-log", &options.mail_log},
                             {"--on-failure", &on_failure}},
                            {{"--help", &options.help}, {"--version", &options.version}});
  if (!read) return read.error();
  if (options.help || options.version) return options;
  if (options.user.empty()) return Error{"--user is missing"};
  if (options.port().value_or(1) == 0 ||
      (!options.port() && !service::is_absolute(options.listen))) {
    return Error{"--listen must be an absolute path, or inet: and a port"};
  }
  const auto parsed = parse_mode(mode);
  if (!parsed) return Error{"--mode: '" + mode + "' is not an octal mode"};
  options.mode = *parsed;
  if (Status done = read_on_failure(on_failure, options.on_failure); !done) return done.error();
  if (!service::is_absolute(options.daemon_socket)) {
    return Error{"--daemon-socket must be an absolute path"};
  }
  if (!options.mail_log.empty() && !service::is_absolute(options.mail_log)) {
    return Error{"--mail-log must be an absolute path"};
  }
  return options;
}

}  // namespace mailorigin::milter
