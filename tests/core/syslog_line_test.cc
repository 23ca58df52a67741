#include "core/syslog_line.h"

#include <gtest/gtest.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace mailorigin {
namespace {

TEST(SyslogLine, BeginsAsRfc3164HasIt) {
  ASSERT_EQ(setenv("TZ", "UTC", 1), 0);
  tzset();
  EXPECT_EQ(syslog_head(LOG_LOCAL3 | LOG_NOTICE, 1'795'262'400, "mailorigin"),
            "<157>Nov 21 12:00:00 mailorigin[" + std::to_string(getpid()) + "]: ");
  EXPECT_EQ(syslog_head(LOG_MAIL | LOG_WARNING, 1'767'323'045, "x").substr(0, 20),
            "<20>Jan  2 03:04:05 ");
}

TEST(SyslogLine, KnowsTheFacilities) {
  ASSERT_NE(syslog_facility_named("MAIL"), nullptr);
  EXPECT_EQ(syslog_facility_named("MAIL")->number, 2 << 3);
  EXPECT_EQ(syslog_facility_named("MAIL")->name, "mail");
  EXPECT_EQ(syslog_facility_named("local7")->number, 23 << 3);
  EXPECT_EQ(syslog_facility_named("nonsense"), nullptr);
  EXPECT_EQ(syslog_facilities[0].name, "mail");
}

}  // namespace
}  // namespace mailorigin
