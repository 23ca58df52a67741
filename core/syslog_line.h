// What a line to the local syslog begins with, and its facilities.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mailorigin {

struct SyslogFacility {
  std::string_view name;
  int number;  // as <syslog.h> has it: to be combined with a level
};

// As MailOriginLog knows them; mail, where none is named, stands first.
extern const SyslogFacility syslog_facilities[20];

// In any case of letters; null if there is none of that name.
const SyslogFacility* syslog_facility_named(std::string_view name);

// "<priority>time ident[pid]: ", as syslog(3) writes it to its socket (RFC 3164).
// `priority` is a facility's number and a level.
std::string syslog_head(int priority, std::uint64_t seconds_since_epoch, std::string_view ident);

}  // namespace mailorigin
