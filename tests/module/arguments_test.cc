#include "mod_mailorigin/arguments.h"

#include <gtest/gtest.h>

#include <string>

namespace mailorigin::httpd {
namespace {

TEST(ParseUser, KnowsNamesAndNumbers) {
  Users users;
  EXPECT_EQ(*parse_user("root", users), 0U);
  EXPECT_EQ(*parse_user("#61001", users), 61001U);
  for (const char* text : {"", "#", "#-1", "#12x", "#4294967295", "no such user"}) {
    EXPECT_FALSE(parse_user(text, users)) << text;
  }
}

TEST(CouldBeUser, KnowsWhatUseraddTakes) {
  for (const char* name : {"shop", "_apt", "web-1.example", "Shop_2"}) {
    EXPECT_TRUE(could_be_user(name)) << name;
  }
  for (const char* name : {"", "61001", "#61001", "@shop", "a b", "-shop", "shop:", "gr\xc3\xbc"}) {
    EXPECT_FALSE(could_be_user(name)) << name;
  }
  EXPECT_FALSE(could_be_user(std::string(33, 'x')));
}

TEST(ParseDays, AreANumberWithAD) {
  EXPECT_EQ(*parse_days("1d"), 1U);
  EXPECT_EQ(*parse_days("3650d"), 3650U);
  for (const char* text : {"", "d", "0d", "30", "3651d", "-1d", "+1d", " 1d", "1d ", "1dd", "1D",
                           "99999999999999999999d", "0x1d"}) {
    EXPECT_FALSE(parse_days(text)) << text;
  }
}

TEST(ParseSocketMode, IsOctalAndLetsItsOwnerConnect) {
  EXPECT_EQ(*parse_socket_mode("0666"), 0666U);
  for (const char* text : {"", "999", "rwx", "0066", "77777"}) {
    EXPECT_FALSE(parse_socket_mode(text)) << text;
  }
}

TEST(ChooseFormat, LooksAmongTheHostsOwnFormatsFirst) {
  const Nicknames own = {{"short", "%{id}"}};
  const Nicknames server = {{"short", "%{to}"}, {"long", "%{stack}"}};
  EXPECT_EQ(*choose_format("", nullptr, nullptr), (FormatChoice{true, "logfmt"}));
  EXPECT_EQ(*choose_format("json", &own, &server), (FormatChoice{true, "json"}));
  EXPECT_EQ(*choose_format("short", &own, &server), (FormatChoice{false, "%{id}"}));
  EXPECT_EQ(*choose_format("long", &own, &server), (FormatChoice{false, "%{stack}"}));
  EXPECT_EQ(*choose_format("%{to}!", &own, &server), (FormatChoice{false, "%{to}!"}));
  EXPECT_NE(choose_format("nosuch", &own, &server).error().message.find("nosuch"),
            std::string::npos);
}

TEST(ParseSyslogTarget, TakesAnyCaseOfLetters) {
  for (const char* text : {"syslog", "SYSLOG", "Syslog:Mail"}) {
    ASSERT_TRUE(is_syslog_target(text)) << text;
    EXPECT_EQ(*parse_syslog_target(text), "mail") << text;
  }
  for (const char* text : {"", "syslogs", "syslog.log", "logs/syslog"}) {
    EXPECT_FALSE(is_syslog_target(text)) << text;
  }
  EXPECT_FALSE(parse_syslog_target("syslog:"));
  EXPECT_FALSE(parse_syslog_target("SYSLOG:nosuch"));
}

TEST(CheckHeaderName, LeavesAloneWhatMeansSomethingToMail) {
  for (const char* text : {"To", "from", "SUBJECT", "Reply-To", "Message-Id", "resent-from",
                           "Content-Type", "content-", "Received", "MIME-version"}) {
    const Status checked = check_header_name(text);
    ASSERT_FALSE(checked) << text;
    EXPECT_NE(checked.error().message.find("X-Mail-Origin"), std::string::npos);
  }
  for (const char* text : {"X-To", "Tom", "Subject-Of-Ours", "Contents", "Resent"}) {
    EXPECT_TRUE(check_header_name(text)) << text;
  }
}

TEST(CheckHeaderName, TakesLettersDigitsAndHyphens) {
  EXPECT_TRUE(check_header_name("X-Mail-Origin"));
  for (const char* text : {"", "X Blank", "X:", "X\r\nY", "Grüße"}) {
    EXPECT_FALSE(check_header_name(text)) << text;
  }
}

}  // namespace
}  // namespace mailorigin::httpd
