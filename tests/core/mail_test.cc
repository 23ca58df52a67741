#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "core/mail/facts.h"
#include "core/mail/header_block.h"

namespace mailorigin {
namespace {

using Words = std::vector<std::string>;

MailFacts with_headers(std::string_view headers) {
  MailText mail;
  mail.headers = headers;
  return examine_mail(mail, {});
}

MailFacts with_words(const Words& words) { return examine_mail({}, words); }

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

TEST(Unfolded, KeepsACarriageReturnThatEndsNoLine) {
  EXPECT_EQ(unfolded(" a\r\n b\n\tc\r\n"), "a b\tc");
  EXPECT_EQ(unfolded("a\rb\r\r\n"), "a\rb\r");
}

TEST(ExamineMail, CountsRecipientsWhereverTheyHide) {
  MailText mail;
  mail.to = "a@x.example";
  mail.headers =
      "From: Me <me@x.example>\r\nCc: b@x.example\r\nbcc: c@x.example, d@x.example\r\n"
      "Resent-To: e@x.example\r\nResent-Bcc\t : f@x.example\r\nMessage-ID: <1@x>";
  const Words words = {"-oi", "-f", "bounce@x.example", "--", "g@x.example", "-h@x.example"};
  const MailFacts facts = examine_mail(mail, words);
  EXPECT_EQ(facts.recipients, 8U);
  EXPECT_EQ(facts.from, "Me <me@x.example>");
  EXPECT_EQ(facts.envelope_from, "bounce@x.example");
  EXPECT_EQ(facts.message_id, "<1@x>");
}

TEST(ExamineMail, JoinsEnvelopeSenders) {
  EXPECT_EQ(with_words({"-fevil@x", "-f", "good@x"}).envelope_from, "evil@x, good@x");
  EXPECT_EQ(with_words({"-f", ""}).envelope_from, "<>");
  EXPECT_EQ(with_words({"-f", " "}).envelope_from, "<>");
  EXPECT_EQ(with_words({"-fme@x", "--fro=evil@x", "-bs"}).envelope_from, "me@x, --fro, -b");
}

// qmail's sendmail and nullmailer's do.
TEST(ExamineMail, TakesTheEnvelopeSenderFromReturnPath) {
  EXPECT_EQ(with_headers("return-path: <ev@o>\r\nReturn-Path : me@x").envelope_from,
            "<ev@o>, me@x");
  EXPECT_EQ(with_headers("X: 1\rReturn-Path: ev@o").envelope_from, "ev@o");
  EXPECT_EQ(with_headers("Return-Path: ").envelope_from, "<>");
}

TEST(ExamineMail, HidesNoEnvelopeSenderInAnothersQuotes) {
  EXPECT_EQ(with_words({"-f\"", "-fev@o\" <me@x>"}).envelope_from, "\\\", ev@o\\\" <me@x>");
  EXPECT_EQ(with_words({"-fev@o (", "-f) me@x"}).envelope_from, "ev@o \\(, ) me@x");
}

TEST(ExamineMail, HidesNoSecondFrom) {
  EXPECT_EQ(with_headers("From: a@b\r\nfrom : c@d").from, "a@b, c@d");
  EXPECT_EQ(with_headers("From: \"a\r\nFrom: b\" <c@d>").from, "\\\"a, b\\\" <c@d>");
  EXPECT_EQ(with_headers("X: 1\rFrom: a@b").from, "a@b");
  EXPECT_EQ(with_headers("From:\r\nX: 1").from, "");
}

TEST(ExamineMail, TakesTheSenderFromTheHeaderWhereItIsToldSo) {
  MailText mail;
  mail.to = "a@b";
  mail.headers = "From: me@x, c@d, e@f";
  const Words words = {"--read-envelope-from"};
  EXPECT_EQ(examine_mail(mail, words).envelope_from, "me@x, c@d, e@f");
  EXPECT_EQ(examine_mail(mail, words).recipients, 3U);
  EXPECT_EQ(examine_mail(mail, {}).recipients, 1U);
}

// One mail server ends a line there, another goes on.
TEST(ExamineMail, ReadsALoneCarriageReturnInBothWays) {
  EXPECT_EQ(with_headers("X: 1\rBcc: c@d, e@f").recipients, 2U);
  EXPECT_GE(with_headers("To: a@b,\rc@d, e@f").recipients, 3U);
  EXPECT_GE(with_headers("To: a@b,\rX: c@d, e@f").recipients, 3U);
  EXPECT_EQ(with_headers("From: a@b\rc@d").from, "a@b\rc@d");
}

TEST(ExamineMail, FindsAFieldBehindAnyBlank) {
  EXPECT_EQ(with_headers("To : a@b\nCC\t:c@d\nBcc\n : e@f\nBcc\v: g@h\n \nBcc: i@j").recipients,
            5U);
  EXPECT_EQ(with_headers(" Bcc: a@b").recipients, 1U);
}

TEST(ExamineMail, CountsTheRecipientsOfAnSmtpDialogue) {
  MailText mail;
  mail.to = "a@b";
  mail.headers = "RCPT TO:<c@d>";
  mail.message = "MAIL FROM:<>\r\nrcpt to:<e@f>\r\nRcpt TO:<g@h>\r\nDATA\r\n";
  const Words smtp = {"-bs"};
  EXPECT_GE(examine_mail(mail, smtp).recipients, 4U);
  EXPECT_EQ(examine_mail(mail, {}).recipients, 1U);
}

// As mb_send_mail() sends them: "R=43PT" from Quoted-Printable, in base64 any four bytes.
TEST(ExamineMail, CountsTheRecipientsThatADialogueMayHaveOnceItIsDecoded) {
  MailText mail;
  mail.to = "a@b";
  mail.message = "R=43PT TO:<c@d>\nR=43PT TO:<e@f>";
  const Words smtp = {"-bs"};
  EXPECT_EQ(examine_mail(mail, smtp).recipients, 1U);
  mail.is_converted = true;
  EXPECT_GE(examine_mail(mail, smtp).recipients, 3U);
  EXPECT_EQ(examine_mail(mail, {}).recipients, 1U);
}

}  // namespace
}  // namespace mailorigin
