#include "mod_mailorigin/arguments.h"

#include <pwd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>

#include "core/format.h"
#include "core/name_values.h"
#include "core/syslog_line.h"
#include "core/text.h"

namespace mailorigin::httpd {

namespace {

constexpr std::string_view syslog_target = "syslog";
constexpr std::size_t header_name_limit = 64;

// Fields that mean something to who sends, carries or reads a mail: one of ours
// in their place would change the mail, or never get there.
constexpr std::string_view mails_own_headers[] = {
    "To",         "Cc",   "Bcc",         "From",       "Sender",   "Reply-To",    "Subject",
    "Message-ID", "Date", "In-Reply-To", "References", "Received", "Return-Path", "MIME-Version",
};
constexpr std::string_view mails_own_prefixes[] = {"Resent-", "Content-"};

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

bool is_mails_own(std::string_view header) {
  return std::any_of(std::begin(mails_own_headers), std::end(mails_own_headers),
                     [&](std::string_view name) { return equal_ignoring_case(name, header); }) ||
         std::any_of(std::begin(mails_own_prefixes), std::end(mails_own_prefixes),
                     [&](std::string_view prefix) {
                       return equal_ignoring_case(prefix, header.substr(0, prefix.size()));
                     });
}

bool is_letter_or_digit(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         (character >= '0' && character <= '9');
}

std::string facility_names() {
  std::string list;
  for (const SyslogFacility& each : syslog_facilities) {
    if (!list.empty()) list += ' ';
    list += each.name;
  }
  return list;
}

}  // namespace

Result<bool> parse_switch(std::string_view argument) {
  if (equal_ignoring_case(argument, "on")) return true;
  if (equal_ignoring_case(argument, "off")) return false;
  return Error{quoted(argument) + " is neither On nor Off"};
}

Result<std::uint32_t> parse_days(std::string_view argument) {
  std::uint32_t days = 0;
  const char* const end = argument.data() + argument.size();
  const auto [rest, fault] = std::from_chars(argument.data(), end, days);
  const bool is_span = fault == std::errc() && rest + 1 == end && *rest == 'd';
  if (!is_span || days == 0 || days > retained_days_limit) {
    return Error{quoted(argument) + " is no number of days: 1d to " +
                 std::to_string(retained_days_limit) + "d are accepted"};
  }
  return days;
}

Result<mode_t> parse_socket_mode(std::string_view argument) {
  unsigned mode = 0;
  const char* const end = argument.data() + argument.size();
  const auto [rest, fault] = std::from_chars(argument.data(), end, mode, 8);
  if (fault != std::errc() || rest != end || mode > 0777 || (mode & 0200) == 0) {
    return Error{quoted(argument) +
                 " is not a socket's mode: an octal number from 0200 to 0777 that lets its owner "
                 "connect (0666: everybody may)"};
  }
  return static_cast<mode_t>(mode);
}

std::optional<std::uint32_t> Users::uid_of(const std::string& name) {
  if (!read_) {
    read_ = true;
    const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen("/etc/passwd", "re"), std::fclose);
    while (const passwd* entry = file ? fgetpwent(file.get()) : nullptr) {
      uids_.emplace(entry->pw_name, entry->pw_uid);
    }
  }
  if (const auto found = uids_.find(name); found != uids_.end()) return found->second;
  const passwd* const entry = getpwnam(name.c_str());
  if (entry == nullptr) return std::nullopt;
  uids_.emplace(name, entry->pw_uid);
  return entry->pw_uid;
}

bool could_be_user(std::string_view name) {
  constexpr std::size_t longest = 32;
  const auto is_letter = [](char c) {
    return c == '_' || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
  };
  const auto may_follow = [&](char c) {
    return is_letter(c) || c == '-' || c == '.' || (c >= '0' && c <= '9');
  };
  return !name.empty() && name.size() <= longest && is_letter(name[0]) &&
         std::all_of(name.begin() + 1, name.end(), may_follow);
}

Result<std::uint32_t> parse_user(std::string_view argument, Users& users) {
  if (argument.starts_with('#')) {
    // The last number stands for "no user" in the kernel's calls.
    const auto uid = parse_number(argument.substr(1), UINT32_MAX - 1);
    if (!uid)
      return Error{quoted(argument) +
                   " is not a user: a # stands before a number below 4294967295"};
    return static_cast<std::uint32_t>(*uid);
  }
  const auto uid = users.uid_of(std::string(argument));
  if (!uid) {
    return Error{quoted(argument) + " is not a user of this machine (a user's name or #uid)"};
  }
  return *uid;
}

bool is_syslog_target(std::string_view argument) {
  return equal_ignoring_case(argument.substr(0, argument.find(':')), syslog_target);
}

Result<std::string> parse_syslog_target(std::string_view argument) {
  if (argument.size() == syslog_target.size()) return std::string(syslog_facilities[0].name);
  const std::string_view name = argument.substr(syslog_target.size() + 1);
  const SyslogFacility* const facility = syslog_facility_named(name);
  if (facility == nullptr) {
    return Error{quoted(name) + " is not a syslog facility; they are " + facility_names()};
  }
  return std::string(facility->name);
}

Status check_header_name(std::string_view name) {
  const bool valid = !name.empty() && name.size() <= header_name_limit &&
                     is_letter_or_digit(name[0]) &&
                     std::all_of(name.begin(), name.end(),
                                 [](char c) { return is_letter_or_digit(c) || c == '-'; });
  if (!valid) {
    return Error{quoted(name) + " is not a header's name: letters, digits and hyphens, at most " +
                 std::to_string(header_name_limit)};
  }
  if (is_mails_own(name)) {
    return Error{quoted(name) +
                 " is a field that means something to mail; a field of its own is accepted, such "
                 "as X-Mail-Origin"};
  }
  return Done{};
}

Status check_nickname(std::string_view name) {
  if (Format::predefined(name)) {
    return Error{quoted(name) + " is predefined and cannot be redefined; choose another nickname"};
  }
  const bool valid = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.';
  });
  if (valid) return Done{};
  return Error{quoted(name) + " is not a nickname: letters, digits, '-', '_' and '.'"};
}

Result<FormatChoice> choose_format(std::string_view argument, const Nicknames* own,
                                   const Nicknames* server) {
  if (argument.empty()) return FormatChoice{};
  if (Format::predefined(argument)) return FormatChoice{true, std::string(argument)};
  if (argument.find('%') != std::string_view::npos) {
    if (const auto format = Format::parse(argument); !format) return format.error();
    return FormatChoice{false, std::string(argument)};
  }
  for (const Nicknames* names : {own, server}) {
    if (names == nullptr) continue;
    if (const auto found = names->find(argument); found != names->end()) {
      return FormatChoice{false, found->second};
    }
  }
  return Error{quoted(argument) +
               " is neither php, logfmt nor json, nor a nickname that MailOriginLogFormat defines, "
               "nor a format with %{name} in it"};
}

}  // namespace mailorigin::httpd
