// What the directives' arguments may be. Knows no httpd: plain text in, a value
// or the rest of an error message ("'maybe' is neither On nor Off") out.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/policy.h"
#include "core/result.h"

namespace mailorigin::httpd {

Result<bool> parse_switch(std::string_view argument);

// "30d": at least one day, at most retained_days_limit.
Result<std::uint32_t> parse_days(std::string_view argument);

// An octal mode that lets its owner connect.
Result<mode_t> parse_socket_mode(std::string_view argument);

// The users of this machine, by name. Those of /etc/passwd are read once: asking
// for each of a thousand virtual hosts' users would read it a thousand times.
class Users {
 public:
  // Nothing if there is no such user.
  std::optional<std::uint32_t> uid_of(const std::string& name);

 private:
  std::unordered_map<std::string, std::uint32_t> uids_;
  bool read_ = false;
};

// A user's name, which must exist, or #uid.
Result<std::uint32_t> parse_user(std::string_view argument, Users& users);

// Whether useradd would make a user of that name: it may have been here, or come yet.
bool could_be_user(std::string_view name);

// The facility of `syslog[:facility]`, in any case of letters; "mail" if none is
// named. Precondition: is_syslog_target().
Result<std::string> parse_syslog_target(std::string_view argument);
bool is_syslog_target(std::string_view argument);

// A header's name as RFC 5322 and RFC 2047 let one choose it: letters, digits,
// hyphens; not one that has a meaning in mail already, as From and Content-* have.
Status check_header_name(std::string_view name);

// A name that MailOriginLogFormat may give.
Status check_nickname(std::string_view name);

// What a MailOriginLog writes, given its second argument (empty: logfmt): a
// format if there is a % in it, else a nickname, looked up in the virtual
// host's own formats and then in the server's. Either may be null.
using Nicknames = std::map<std::string, std::string, std::less<>>;
Result<FormatChoice> choose_format(std::string_view argument, const Nicknames* own,
                                   const Nicknames* server);

}  // namespace mailorigin::httpd
