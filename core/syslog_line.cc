#include "core/syslog_line.h"

#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "core/month_names.h"
#include "core/text.h"

namespace mailorigin {

const SyslogFacility syslog_facilities[20] = {
    {"mail", LOG_MAIL},     {"auth", LOG_AUTH},     {"authpriv", LOG_AUTHPRIV},
    {"cron", LOG_CRON},     {"daemon", LOG_DAEMON}, {"ftp", LOG_FTP},
    {"kern", LOG_KERN},     {"lpr", LOG_LPR},       {"news", LOG_NEWS},
    {"syslog", LOG_SYSLOG}, {"user", LOG_USER},     {"uucp", LOG_UUCP},
    {"local0", LOG_LOCAL0}, {"local1", LOG_LOCAL1}, {"local2", LOG_LOCAL2},
    {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4}, {"local5", LOG_LOCAL5},
    {"local6", LOG_LOCAL6}, {"local7", LOG_LOCAL7},
};

const SyslogFacility* syslog_facility_named(std::string_view name) {
  const auto* const found = std::find_if(
      std::begin(syslog_facilities), std::end(syslog_facilities),
      [&](const SyslogFacility& each) { return equal_ignoring_case(each.name, name); });
  return found == std::end(syslog_facilities) ? nullptr : found;
}

std::string syslog_head(int priority, std::uint64_t seconds_since_epoch, std::string_view ident) {
  const auto seconds = static_cast<time_t>(seconds_since_epoch);
  tm local{};
  localtime_r(&seconds, &local);
  char time[64];
  const int length = std::snprintf(time, sizeof time, "<%d>%.3s %2d %02d:%02d:%02d ", priority,
                                   month_names[static_cast<std::size_t>(local.tm_mon)].data(),
                                   local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec);
  std::string head(time, static_cast<std::size_t>(length));
  head += ident;
  head += '[' + std::to_string(getpid()) + "]: ";
  return head;
}

}  // namespace mailorigin
