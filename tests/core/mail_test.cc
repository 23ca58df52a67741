#include "core/mail.h"

#include <gtest/gtest.h>

namespace mailorigin {
namespace {

TEST(WithoutField, TakesEveryCopyWithItsContinuation) {
  EXPECT_EQ(without_field("A: 1\r\nX-Mail-Origin: evil\r\n folded\r\nB: 2", "X-Mail-Origin"),
            "A: 1\r\nB: 2");
  EXPECT_EQ(without_field("x-mail-ORIGIN \t: evil\nB: 2\nX-Mail-Origin:\n\tz", "X-Mail-Origin"),
            "B: 2\n");
  EXPECT_EQ(without_field("A: 1\rX-Mail-Origin: lone CR\rB: 2", "X-Mail-Origin"), "A: 1\rB: 2");
  EXPECT_EQ(without_field("X-Mail-Origin-Not: 1", "X-Mail-Origin"), "X-Mail-Origin-Not: 1");
  EXPECT_EQ(without_field("", "X-Mail-Origin"), "");
}

TEST(FieldValue, IsUnfolded) {
  EXPECT_EQ(field_value("A: 1\r\nfrom:  Me\r\n <me@x.example> \r\nB: 2", "From"),
            "Me <me@x.example>");
  EXPECT_EQ(field_value("A: 1", "From"), "");
}

TEST(CountAddresses, ReadsListsAsRfc5322Does) {
  const std::pair<const char*, std::uint64_t> lists[] = {
      {"", 0},
      {"  ,, ", 0},
      {"a@b", 1},
      {"a@b, c@d", 2},
      {"\"Last, First\" <a@b>, c@d", 2},
      {"a@b (one, two), c@d", 2},
      {"<a@b>, <\"x,y\"@d>", 2},
      {"Team: a@b, c@d;", 2},
      {"Nobody:;", 0},
      {"A: a@b, c@d; , B: e@f;, g@h", 4},
      {"a@b,\r\n c@d", 2},
      {"\"quote \\\" , inside\" <a@b>", 1},
      {"a@[IPv6:::1]", 1},
      {"a@b c@d e@f", 3},
      {"\"open, a@b, c@d", 3},
      {"(open, a@b, c@d", 3},
  };
  for (const auto& [list, count] : lists) EXPECT_EQ(count_addresses(list), count) << list;
}

TEST(ExamineMail, CountsRecipientsWhereverTheyHide) {
  const MailFacts facts =
      examine_mail("a@x.example",
                   "From: Me <me@x.example>\r\nCc: b@x.example\r\nbcc: c@x.example, d@x.example\r\n"
                   "Resent-To: e@x.example\r\nResent-Bcc: f@x.example\r\nMessage-ID: <1@x>",
                   "-oi -f bounce@x.example g@x.example -- -h@x.example");
  EXPECT_EQ(facts.recipients, 8U);
  EXPECT_EQ(facts.from, "Me <me@x.example>");
  EXPECT_EQ(facts.envelope_from, "bounce@x.example");
  EXPECT_EQ(facts.message_id, "<1@x>");
}

TEST(ExamineMail, FindsTheEnvelopeSenderInEveryForm) {
  for (const char* parameters :
       {"-fme@x.example", "-f me@x.example", "-f 'me@x.example'", "-f\"me@x.example\"",
        "-r me@x.example", "-t -i -fme@x.example", "--from=me@x.example", "-f me@x\\.example",
        "-N never -fme@x.example", "-ifme@x.example", "-tif me@x.example", "-f me\\\n@x.example"}) {
    const MailFacts facts = examine_mail("", "", parameters);
    EXPECT_EQ(facts.envelope_from, "me@x.example") << parameters;
    EXPECT_EQ(facts.recipients, 0U) << parameters;
  }
}

TEST(ExamineMail, HidesNoEnvelopeSenderBehindAnother) {
  EXPECT_EQ(examine_mail("", "", "-fevil@x -fgood@x").envelope_from, "evil@x, good@x");
  // What escapeshellcmd() makes of "-fevil@x \\-fgood@x" and of "X<newline>-fgood@x":
  EXPECT_EQ(examine_mail("", "", "-fevil@x \\\\-fgood@x").envelope_from, "evil@x");
  EXPECT_EQ(examine_mail("", "", "-fevil@x X\\\n-fgood@x").envelope_from, "evil@x");
  EXPECT_EQ(examine_mail("", "", "-f ''").envelope_from, "<>");
}

TEST(ExamineMail, HidesNoSecondFrom) {
  EXPECT_EQ(examine_mail("", "From: a@b\r\nfrom : c@d", "").from, "a@b, c@d");
}

TEST(ExamineMail, SeesABccBehindALoneCarriageReturn) {
  EXPECT_EQ(examine_mail("a@b", "X: 1\rBcc: c@d, e@f", "").recipients, 3U);
}

}  // namespace
}  // namespace mailorigin
