#include "core/wire/exim_line.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/mail/recipients.h"

namespace mailorigin {
namespace {

RecipientDigest digest_of(const std::string& list) {
  RecipientSet set;
  set.add(list);
  return set.digest();
}

// "a@b.example", " me@shop.example\n", " Hi\n you\nX: y\n", " <1@b>\n" in base64, as Exim has
// fields: from the colon on.
constexpr const char* whole =
    "by=program uid=1001 id=1xXKOD-0006aL-2c count=1 size=5 sender=bWVAc2hvcC5leGFtcGxl "
    "recipients=YUBiLmV4YW1wbGU= qualify=Yi5leGFtcGxl domain=Qi5leGFtcGxl "
    "from=IG1lQHNob3AuZXhhbXBsZQo= "
    "to=IGFAYi5leGFtcGxlCg== subject=IEhpCiB5b3UKWDogeQo= message_id=IDwxQGI+Cg== "
    "ticket=MDFNODAxUVNDNkpRUUJBS0EzMzVaR0U0WTIK";

TEST(EximLine, DescribesAMessage) {
  const auto line = read_exim_line(whole);
  ASSERT_TRUE(line) << line.error().message;
  const QueuedMail& mail = line->mail;
  EXPECT_EQ(mail.queue_id, "1xXKOD-0006aL-2c");
  EXPECT_EQ(mail.uid, 1001U);
  EXPECT_EQ(mail.uid_from, "exim");
  EXPECT_FALSE(mail.by_smtp);
  EXPECT_TRUE(mail.is_refusable);
  EXPECT_EQ(mail.tickets, std::vector<std::string>{"01M801QSC6JQQBAKA335ZGE4Y2"});
  ASSERT_EQ(mail.recipients.size(), 2U);
  EXPECT_EQ(mail.recipients[0], digest_of("a@b.example"));
  EXPECT_EQ(mail.recipients[1], digest_of("a"));
  EXPECT_EQ(mail.local_domains, std::vector<std::string>{"b.example"});
  EXPECT_EQ(mail.claims.get(Field::from), "me@shop.example");
  EXPECT_EQ(mail.claims.get(Field::envelope_from), "me@shop.example");
  EXPECT_EQ(mail.claims.get(Field::to), "a@b.example");
  EXPECT_EQ(mail.claims.get(Field::subject), "Hi you");
  EXPECT_EQ(mail.claims.get(Field::message_id), "<1@b>");
  EXPECT_EQ(mail.claims.get(Field::recipients), "1");
}

TEST(EximLine, BelievesNoFromThatIsCut) {
  // Blanks, behind which Exim did not say more.
  std::string blanks = "ICAg";
  while (blanks.size() < 1100 / 3 * 4) blanks += "ICAg";
  const auto line = read_exim_line("id=x from=" + blanks);
  ASSERT_TRUE(line);
  EXPECT_EQ(line->mail.claims.get(Field::from).size(), info(Field::from).limit);
}

TEST(EximLine, TellsAConnection) {
  const auto line =
      read_exim_line("by=smtp address=127.0.0.1 port=4321 local_address=::1 local_port=25 id=x");
  ASSERT_TRUE(line);
  EXPECT_TRUE(line->mail.by_smtp);
  EXPECT_FALSE(line->mail.uid);
  EXPECT_EQ(line->client.address, "127.0.0.1");
  EXPECT_EQ(line->client.port, 4321);
  EXPECT_EQ(line->server.address, "::1");
  EXPECT_EQ(line->server.port, 25);
}

TEST(EximLine, IsRefusedWhole) {
  for (const char* line :
       {"", "by=program", "id=", "id=x by=fax", "id=x uid=4294967295", "id=x uid=-1",
        "id=x port=65536", "id=x local_port=", "id=x local_address=", "id=x sender=?",
        "id=x nosuch=YQ==", "id=x word", "id=x count=many", "id=x  by=smtp"}) {
    EXPECT_FALSE(read_exim_line(line)) << line;
  }
  EXPECT_FALSE(read_exim_line("id=" + std::string(queue_id_limit + 1, 'x')));
}

TEST(EximLine, NoMoreTicketsThanAMessageMayShow) {
  // Six of them, a line each.
  const auto line = read_exim_line(
      "id=x ticket=MDFNODAxUVNDNkpRUUJBS0EzMzVaR0U0WTIKMDFNODAxUVNDNkpRUUJBS0EzMzVaR0U0WTIK"
      "MDFNODAxUVNDNkpRUUJBS0EzMzVaR0U0WTIKMDFNODAxUVNDNkpRUUJBS0EzMzVaR0U0WTIK"
      "MDFNODAxUVNDNkpRUUJBS0EzMzVaR0U0WTIKMDFNODAxUVNDNkpRUUJBS0EzMzVaR0U0WTIK");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->mail.tickets.size(), tickets_shown);
}

TEST(EximAnswer, LetsInWithItsFieldsInFront) {
  Answer answer;
  answer.headers = {{"X-Mail-Origin", "01A"}, {"X-Two", "b"}, {"X-Mail-Origin-Ticket", ""}};
  // ":at_start:X-Two: b\n:at_start:X-Mail-Origin: 01A\n"
  EXPECT_EQ(exim_answer(answer),
            "verdict=allow remove=X-Mail-Origin:X-Two:X-Mail-Origin-Ticket "
            "add=OmF0X3N0YXJ0OlgtVHdvOiBiCjphdF9zdGFydDpYLU1haWwtT3JpZ2luOiAwMUEK\n");
  answer.headers.clear();
  answer.verdict = Verdict::observe;
  EXPECT_EQ(exim_answer(answer), "verdict=allow\n");
  answer.verdict = Verdict::hold;
  EXPECT_EQ(exim_answer(answer), "verdict=hold\n");
}

TEST(EximAnswer, SaysWhyNotInOneLine) {
  Answer answer;
  answer.verdict = Verdict::deny;
  answer.id = "01A";
  answer.reason = "limit\n";
  answer.retry_after = 7;
  // "not sent: limit  (event 01A); again in 7 seconds"
  EXPECT_EQ(exim_answer(answer),
            "verdict=deny "
            "text=bm90IHNlbnQ6IGxpbWl0ICAoZXZlbnQgMDFBKTsgYWdhaW4gaW4gNyBzZWNvbmRz\n");
}

}  // namespace
}  // namespace mailorigin
