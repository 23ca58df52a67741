#include "mod_mailorigin/log_directives.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "core/format.h"
#include "mod_mailorigin/directive.h"
#include "mod_mailorigin/site_names.h"

namespace mailorigin::httpd {

// MailOriginLog
const char* add_log(cmd_parms* cmd, const char* target, const char* format) {
  auto& logs = ensure(cmd, target_of(cmd).logs);
  if (strcasecmp(target, "none") == 0) {
    if (format != nullptr) return wrong(cmd, "'none' takes no format");
    logs.clear();
    return nullptr;
  }
  LogDirective log;
  log.place = place_of(cmd);
  if (format != nullptr) log.format = format;
  if (is_syslog_target(target)) {
    auto facility = parse_syslog_target(target);
    if (!facility) return wrong(cmd, facility.error().message);
    log.target = {LogTarget::Kind::syslog, *std::move(facility)};
  } else if (target[0] == '|') {
    if (target[std::strspn(target, "|$ \t")] == '\0') {
      return wrong(cmd, "a command must follow the '|' of '" + std::string(target) + "'");
    }
    if (std::string_view(target).find(site_placeholder) != std::string_view::npos) {
      return wrong(cmd, "a command cannot hold %{site}, for there is one for all; a file can");
    }
    log.target = {LogTarget::Kind::pipe, target};
  } else {
    const char* const path = path_of(cmd, target);
    if (path == nullptr) {
      return wrong(cmd, "'" + std::string(target) +
                            "' is not a target: a file, \"|command\", syslog[:facility] or none");
    }
    if (const Status checked = check_placeholders(target); !checked) {
      return wrong(cmd, checked.error().message);
    }
    log.target = {LogTarget::Kind::file, path};
  }
  // A format's text can be judged at once; a nickname may be defined further down.
  if (log.format.find('%') != std::string::npos) {
    if (const auto parsed = Format::parse(log.format); !parsed) {
      return wrong(cmd, parsed.error().message);
    }
  }
  // The same may be in mailorigin.conf and in another file.
  const bool is_said = std::any_of(logs.begin(), logs.end(), [&](const LogDirective& other) {
    return other.target == log.target && other.format == log.format;
  });
  if (!is_said) logs.push_back(std::move(log));
  return nullptr;
}

// MailOriginLogFormat
const char* add_log_format(cmd_parms* cmd, const char* format, const char* nickname) {
  if (const Status checked = check_nickname(nickname); !checked) {
    return wrong(cmd, checked.error().message);
  }
  if (const auto parsed = Format::parse(format); !parsed) {
    return wrong(cmd, parsed.error().message);
  }
  ensure(cmd, target_of(cmd).formats)[nickname] = format;
  return nullptr;
}

}  // namespace mailorigin::httpd
