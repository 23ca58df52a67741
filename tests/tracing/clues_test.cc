#include "tracing/clues.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mailorigin::tracing {

namespace {

constexpr const char* id = "01KBA1C2D3E4F5G6H7J8K9MNPQ";

bool has(const Clues& clues, ClueKind kind, const std::string& value) {
  for (const Clue& each : clues.of(kind)) {
    if (each.value == value) return true;
  }
  return false;
}

TEST(CluesOfALine, KnowIdsOfAllKinds) {
  EXPECT_TRUE(has(read_clues(id), ClueKind::id, id));
  EXPECT_TRUE(has(read_clues("01kba1c2d3e4f5g6h7j8k9mnpq\n"), ClueKind::id, id));
  EXPECT_TRUE(has(read_clues("<a.b@shop.example>"), ClueKind::message_id, "a.b@shop.example"));
  EXPECT_TRUE(has(read_clues("a.b@shop.example"), ClueKind::message_id, "a.b@shop.example"));
  EXPECT_TRUE(has(read_clues("a.b@Shop.example"), ClueKind::recipient, "a.b@shop.example"));
  for (const char* queue_id :
       {"4F2C312345", "4Xk9QJ1zXyz2k", "1abcDE-000fGh-2i", "1abcDE-00000000fGh-2iJk"}) {
    EXPECT_TRUE(has(read_clues(queue_id), ClueKind::queue_id, queue_id)) << queue_id;
  }
}

TEST(CluesOfALine, KnowAConnectionsCookie) {
  EXPECT_TRUE(has(read_clues("cookie=4711\n"), ClueKind::cookie, "4711"));
  for (const char* none : {"cookie=", "cookie=x", "cookie=9223372036854775808", "acookie=4711"}) {
    EXPECT_TRUE(read_clues(none).of(ClueKind::cookie).empty()) << none;
  }
}

TEST(CluesOfALine, KnowOurOwnLogs) {
  const std::string i = id;
  EXPECT_TRUE(
      has(read_clues("time=2026-11-21T12:00:00.123Z id=" + i + " host=web1"), ClueKind::id, id));
  EXPECT_TRUE(
      has(read_clues("Nov 21 12:00:00 web1 mailorigin[7]: time=x id=" + i), ClueKind::id, id));
  EXPECT_TRUE(
      has(read_clues("{\"time\":\"x\",\"id\":\"" + i + "\",\"kind\":\"mail\"}"), ClueKind::id, id));
  EXPECT_TRUE(has(read_clues("Nov 21 12:00:00 web1 mailorigin[7]: MAILORIGIN_SMTP_OUT IN= OUT= "
                             "DST=192.0.2.25 DPT=25 UID=1001 GID=1001 ID=" +
                             i),
                  ClueKind::id, id));
}

TEST(CluesOfALine, KnowPhpsOwn) {
  const Clues clues = read_clues(
      "[21-Nov-2026 12:00:00 UTC] mail() on [/srv/shop/a] b.php:42]: To: A <a@Example.org> -- "
      "Headers: From: x@y -- Subject: It -- Subject: works");
  EXPECT_TRUE(has(clues, ClueKind::script, "/srv/shop/a] b.php:42"));
  EXPECT_TRUE(has(clues, ClueKind::recipient, "a@example.org"));
  EXPECT_TRUE(has(clues, ClueKind::subject, "works"));
  EXPECT_EQ(clues.time_ms, 1'795'262'400'000U);
  EXPECT_EQ(clues.time_span_ms, 1000U);
}

TEST(CluesOfALine, KnowAMailServers) {
  const Clues clues = read_clues(
      "Nov 21 12:00:00 web1 postfix/smtp[7]: 4F2C312345: to=<a@example.org>, status=bounced");
  EXPECT_TRUE(has(clues, ClueKind::queue_id, "4F2C312345"));
}

constexpr const char* bounce =
    "From: MAILER-DAEMON@web1\nTo: shop@web1\nMessage-ID: <bounce@web1>\n"
    "MIME-Version: 1.0\nSubject: Undelivered\n"
    "Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n"
    "--b\n\nI'm sorry.\n--b\nContent-Type: message/delivery-status\n\n"
    "Reporting-MTA: dns; web1\nX-Postfix-Queue-ID: 4F2C312345\n"
    "Arrival-Date: Sat, 21 Nov 2026 13:00:00 +0100 (CET)\n\n"
    "Final-Recipient: rfc822; a@Example.org\nAction: failed\nStatus: 5.1.1\n\n"
    "--b\nContent-Type: message/rfc822\n\n"
    "Received: by web1 (Postfix, from userid 33)\n id 4F2C312345; Sat\nX-Mail-Origin:\n %s\n"
    "Message-ID: <mail@shop.example>\nTo: a@example.org\nSubject: Your order\n\nbody\n--b--\n";

std::string with_id(std::string text, const std::string& with = id) {
  const std::size_t at = text.find("%s");
  if (at != std::string::npos) text.replace(at, 2, with);
  return text;
}

TEST(CluesOfAMail, OfABounceAreThoseOfTheMail) {
  const Clues clues = read_clues(with_id(bounce));
  EXPECT_EQ(clues.what, "a bounce (RFC 3464)");
  ASSERT_FALSE(clues.of(ClueKind::id).empty());
  EXPECT_EQ(clues.of(ClueKind::id)[0].value, id);
  EXPECT_EQ(clues.of(ClueKind::id)[0].where, "X-Mail-Origin of the message that is attached");
  EXPECT_EQ(clues.of(ClueKind::message_id)[0].value, "mail@shop.example");
  EXPECT_EQ(clues.of(ClueKind::queue_id)[0].value, "4F2C312345");
  EXPECT_TRUE(has(clues, ClueKind::recipient, "a@example.org"));
  EXPECT_TRUE(has(clues, ClueKind::subject, "Your order"));
  EXPECT_EQ(clues.time_ms, 1'795'262'400'000U);
}

TEST(CluesOfAMail, FindTheHeaderWhereverItIs) {
  const std::string header = "X-Mail-Origin: " + std::string(id) + "\nSubject: x\n\nbody\n";
  const std::string inside[] = {
      // Raw headers.
      header,
      // Quoted, and quoted again.
      "Subject: Fwd\n\n> Hello,\n> X-Mail-Origin: " + std::string(id) + "\n> body\n",
      "Subject: Fwd\n\n> > | X-Mail-Origin: " + std::string(id) + "\n",
      // Broken into two lines.
      "Subject: Fwd\n\n> X-Mail-Origin:\n> " + std::string(id) + "\n",
      "Subject: Fwd\n\nX-Mail-Origin: 01KBA1C2D3E4F=\n5G6H7J8K9MNPQ\n",
      // As an attachment in base64 that calls itself something else.
      "MIME-Version: 1.0\nContent-Type: application/octet-stream\n"
      "Content-Transfer-Encoding: base64\n\n"
      "WC1NYWlsLU9yaWdpbjogMDFLQkExQzJEM0U0RjVHNkg3SjhLOU1OUFEKCmJvZHkK\n",
      // Quoted-printable.
      "MIME-Version: 1.0\nContent-Type: text/plain\n"
      "Content-Transfer-Encoding: quoted-printable\n\nX-Mail-Origin: 01KBA1C2=\n"
      "D3E4F5G6H7J8K9MNPQ\n",
      // A source in base64, pasted.
      "Subject: see\n\n> WC1NYWlsLU9yaWdpbjogMDFLQkExQzJEM0U0RjVHNkg3SjhLOU1OUFEKCmJvZHkK\n"
      "> WC1NYWlsLU9yaWdpbjogMDFLQkExQzJEM0U0RjVHNkg3SjhLOU1OUFEKCmJvZHkK\n",
  };
  for (const std::string& each : inside) {
    EXPECT_TRUE(has(read_clues(each), ClueKind::id, id)) << each;
  }
}

TEST(CluesOfAMail, KnowAnAbuseReport) {
  const Clues clues = read_clues(
      with_id("From: abuse@isp.example\nMIME-Version: 1.0\n"
              "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n"
              "--b\n\nIt is spam.\n--b\nContent-Type: message/feedback-report\n\n"
              "Feedback-Type: abuse\nVersion: 1\nOriginal-Rcpt-To: <a@example.org>\n"
              "Arrival-Date: Sat, 21 Nov 2026 12:00:00 GMT\n\n"
              "--b\nContent-Type: text/rfc822-headers\n\nX-Mail-Origin: %s\n"
              "Message-ID: <m@shop.example>\n\n--b--\n"));
  EXPECT_EQ(clues.what, "an abuse report (RFC 5965)");
  EXPECT_TRUE(has(clues, ClueKind::id, id));
  EXPECT_TRUE(has(clues, ClueKind::message_id, "m@shop.example"));
  EXPECT_TRUE(has(clues, ClueKind::recipient, "a@example.org"));
}

TEST(CluesOfAMail, HoldAgainstDepthAndSize) {
  std::string deep = "MIME-Version: 1.0\n";
  for (int i = 0; i < 5000; i++) {
    const std::string boundary = "b" + std::to_string(i);
    deep += "Content-Type: multipart/mixed; boundary=" + boundary + "\n\n--" + boundary + "\n";
  }
  read_clues(deep);
  std::string nested;
  for (int i = 0; i < 3000; i++) nested += "Content-Type: message/rfc822\n\n";
  read_clues(nested);
  std::string many = "Content-Type: multipart/mixed; boundary=b\n\n";
  for (int i = 0; i < 20'000; i++) many += "--b\n\n" + std::string(id) + " <x@y>\n";
  EXPECT_LE(read_clues(many).list.size(), 2 * clues_limit);
  EXPECT_LE(read_clues(std::string(100 << 20, '<') + "\n" + std::string(1 << 20, '\n')).list.size(),
            clues_limit);
  // GMime reads a group within a group by calling itself, a megabyte of stack for ten thousand.
  std::string groups = "From: ";
  for (int i = 0; i < 500'000; i++) groups += "a:";
  EXPECT_TRUE(has(read_clues("X-Mail-Origin: " + std::string(id) + '\n' + groups + "\n\nbody\n"),
                  ClueKind::id, id));
  // Half a million fields of nothing, each of which is where the rest could begin.
  EXPECT_TRUE(read_clues("Content-Type: multipart/report; report-type=delivery-status; "
                         "boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n" +
                         std::string(1'000'000, '\n') + "--b--\n")
                  .list.empty());
  read_clues("");
  read_clues(std::string(3, '\0'));
}

constexpr const char* other = "01KBA1C2D3E4F5G6H7J8K9MNPR";

TEST(CluesOfAMail, WhatItContainsCountsLessWhereItsHeaderHasAnId) {
  const std::string inner = "X-Mail-Origin: " + std::string(other) +
                            "\nMessage-ID: <n@other.example>\nTo: n@example.org\n\nbody\n";
  const std::string parts = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nSee " +
                            std::string(other) + "\n--b\nContent-Type: message/rfc822\n\n" + inner +
                            "--b--\n";
  const std::string own = "X-Mail-Origin: " + std::string(id) + '\n';
  // What it is: a mail with another's attached, and the same as an attachment of a complaint.
  for (const std::string& mail :
       {own + parts, "From: a@example.org\nContent-Type: message/rfc822\n\n" + own + parts}) {
    const auto ids = read_clues(mail).of(ClueKind::id);
    ASSERT_EQ(ids.size(), 2U) << mail;
    EXPECT_EQ(ids[0].value, id);
    EXPECT_EQ(ids[0].within, 0U);
    EXPECT_EQ(ids[1].value, other);
    EXPECT_EQ(ids[1].within, 1U);
    EXPECT_EQ(read_clues(mail).of(ClueKind::message_id)[0].within, 1U);
  }
  // A complaint has none.
  EXPECT_EQ(read_clues("From: a@example.org\n" + parts).of(ClueKind::id)[0].within, 0U);
}

TEST(CluesOfAMail, NoneIsCrowdedOut) {
  std::string many = "X-Mail-Origin: " + std::string(id) + "\nX-Junk:";
  std::string references = "References:";
  for (int i = 100; i < 500; i++) {
    many += " 01KBA1C2D3E4F5G6H7J8K9M" + std::to_string(i);
    references += " <" + std::to_string(i) + "@junk.example>";
  }
  const Clues clues = read_clues(many + '\n' + references +
                                 "\nMessage-ID: <m@shop.example>\nTo: a@example.org\n\nbody\n");
  EXPECT_TRUE(has(clues, ClueKind::id, id));
  EXPECT_TRUE(has(clues, ClueKind::message_id, "m@shop.example"));
  EXPECT_TRUE(has(clues, ClueKind::recipient, "a@example.org"));
}

TEST(MailDate, IsRfc5322s) {
  EXPECT_EQ(parse_mail_date("Sat, 21 Nov 2026 12:00:00 +0000"), 1'795'262'400'000U);
  EXPECT_EQ(parse_mail_date("21 Nov 2026 07:00:00 -0500 (EST)"), 1'795'262'400'000U);
  EXPECT_EQ(parse_mail_date("yesterday"), 0U);
  EXPECT_EQ(parse_mail_date("Sat, 99 Foo 2026 12:00:00"), 0U);
}

}  // namespace

}  // namespace mailorigin::tracing
