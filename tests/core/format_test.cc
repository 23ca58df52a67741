#include "core/format.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace mailorigin {
namespace {

using namespace std::string_literals;

Event example() {
  Event event;
  event.set(Field::time, "2026-11-21T12:00:00.123Z");
  event.set(Field::id, "01ARYZ6S41TSV4RRFFQ69G5FAV");
  event.set(Field::kind, "mail");
  event.set(Field::verified, true);
  event.set(Field::vhost, "shop.example:443");
  event.set(Field::file, "/srv/shop/contact.php");
  event.set(Field::line, std::uint64_t{12});
  event.set(Field::uid, std::uint64_t{1001});
  event.set(Field::to, "a@b.example, \"C\" <c@d.example>");
  event.set(Field::subject, "Grüße");
  event.set(Field::headers, "From: x@y.example\r\nX-A: b");
  return event;
}

std::string write(const Format& format, const Event& event) {
  std::string line;
  format.append(line, event);
  return line;
}

TEST(Format, PhpIsTheLineOfPhpsMailLog) {
  EXPECT_EQ(write(*Format::predefined("php"), example()),
            "[21-Nov-2026 12:00:00 UTC] mail() on [/srv/shop/contact.php:12]: To: a@b.example, "
            "\"C\" <c@d.example> -- Headers: From: x@y.example  X-A: b -- Subject: Grüße");
}

TEST(Format, LogfmtQuotesWhatNeedsIt) {
  EXPECT_EQ(write(*Format::predefined("logfmt"), example()),
            "time=2026-11-21T12:00:00.123Z id=01ARYZ6S41TSV4RRFFQ69G5FAV kind=mail verified=true "
            "vhost=shop.example:443 file=/srv/shop/contact.php line=12 uid=1001 "
            "to=\"a@b.example, \\\"C\\\" <c@d.example>\" subject=\"Grüße\" "
            "headers=\"From: x@y.example  X-A: b\"");
}

TEST(Format, LogfmtCannotBeBrokenOutOf) {
  Event event;
  event.set(Field::subject, "x\" uid=0 y=\"\\");
  EXPECT_EQ(write(*Format::predefined("logfmt"), event),
            "verified=false subject=\"x\\\" uid=0 y=\\\"\\\\\"");
}

TEST(Format, JsonHasTypesAndTheSameNames) {
  const auto json = nlohmann::json::parse(write(*Format::predefined("json"), example()));
  EXPECT_EQ(json["uid"], 1001);
  EXPECT_EQ(json["verified"], true);
  EXPECT_EQ(json["subject"], "Grüße");
  EXPECT_EQ(json["headers"], "From: x@y.example  X-A: b");
  EXPECT_FALSE(json.contains("eval"));
  EXPECT_FALSE(json.contains("dst"));
}

TEST(Format, JsonIsOneLineOfAsciiWhateverTheBytes) {
  Event event;
  std::string bytes;
  for (int i = 0; i < 256; i++) bytes += static_cast<char>(i);
  event.set(Field::subject, bytes);
  const std::string line = write(*Format::predefined("json"), event);
  for (const char character : line) {
    EXPECT_GE(character, ' ');
    EXPECT_LT(static_cast<unsigned char>(character), 0x7f + 1);
  }
  EXPECT_TRUE(nlohmann::json::accept(line));
}

TEST(Format, ShowsUnknownValuesAsADash) {
  const auto format = Format::parse("%{id}|%{dst}|%{verified}|100%%");
  ASSERT_TRUE(format);
  EXPECT_EQ(write(*format, Event()), "-|-|false|100%");
}

TEST(Format, NoValueEndsTheQuotesOfACustomFormat) {
  Event event;
  event.set(Field::subject, "x\" verified=true vhost=\"bank.example\\");
  EXPECT_EQ(write(*Format::parse("s=\"%{subject}\" v=%{verified}"), event),
            "s=\"x\\\" verified=true vhost=\\\"bank.example\\\\\" v=false");
}

TEST(Format, NoFieldEndsTheLine) {
  for (const char* name : {"php", "logfmt", "json"}) {
    for (std::size_t i = 0; i < field_count; i++) {
      Event event;
      event.set(static_cast<Field>(i), std::string_view("a\r\nb\0\x85\xff", 7));
      const std::string line = write(*Format::predefined(name), event);
      EXPECT_EQ(line.find_first_of("\r\n\0"s), std::string::npos) << name << i;
    }
  }
}

TEST(Format, ShowsWhatWouldNotBeSeen) {
  Event event;
  event.set(Field::subject, "\u202Eda\u2066b\u200Bc\uFEFF\u061C\u2028\x7f");
  const std::string shown =
      "\\xe2\\x80\\xaeda\\xe2\\x81\\xa6b\\xe2\\x80\\x8bc\\xef\\xbb\\xbf\\xd8\\x9c\\xe2\\x80\\xa8\\x"
      "7f";
  EXPECT_EQ(write(*Format::parse("%{subject}"), event), shown);
  EXPECT_EQ(write(*Format::predefined("logfmt"), event), "verified=false subject=\"" + shown + '"');
  EXPECT_TRUE(write(*Format::predefined("php"), event).ends_with("-- Subject: " + shown));
  const std::string line = write(*Format::predefined("json"), event);
  EXPECT_EQ(line,
            "{\"verified\":false,\"subject\":"
            "\"\\u202eda\\u2066b\\u200bc\\ufeff\\u061c\\u2028\\u007f\"}");
  EXPECT_EQ(nlohmann::json::parse(line)["subject"], event.get(Field::subject));
}

TEST(Format, NamesWhatItDoesNotUnderstand) {
  EXPECT_NE(Format::parse("x %{nosuch}").error().message.find("%{nosuch} is not a field"),
            std::string::npos);
  EXPECT_NE(Format::parse("%{nosuch}").error().message.find("request_id"), std::string::npos);
  for (const char* text : {"%", "%h", "%{id", "a%%%"}) {
    EXPECT_FALSE(Format::parse(text)) << text;
  }
  EXPECT_FALSE(Format::predefined("common"));
}

}  // namespace
}  // namespace mailorigin
