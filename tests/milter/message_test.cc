#include "milter/message.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "core/mail/recipients.h"
#include "core/queue_policy.h"
#include "milter/limits.h"

namespace mailorigin::milter {
namespace {

const std::string ticket = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

RecipientDigest digest_of(std::initializer_list<const char*> lists) {
  RecipientSet set;
  for (const char* list : lists) set.add(list);
  return set.digest();
}

Message message() { return Message({"web1.example"}); }

TEST(Message, IsDescribedByItsEnvelopeAndHeader) {
  Message mail = message();
  mail.set_sender("<me@shop.example>");
  mail.add_recipient("<One@Example.org>");
  mail.add_recipient("two@example.org");
  mail.add_field("Subject", "Hello\n there");
  mail.add_field("FROM ", "Me <me@shop.example>");
  const QueuedMail described = mail.describe();
  EXPECT_EQ(described.claims.get(Field::from), "Me <me@shop.example>");
  EXPECT_EQ(described.claims.get(Field::envelope_from), "me@shop.example");
  EXPECT_EQ(described.claims.get(Field::subject), "Hello there");
  EXPECT_EQ(described.claims.get(Field::to), "One@Example.org, two@example.org");
  EXPECT_EQ(described.claims.get(Field::recipients), "2");
  EXPECT_TRUE(described.tickets.empty());
}

TEST(Message, IsMatchedAsItsSenderNamedTheRecipients) {
  Message mail = message();
  mail.add_field(std::string(ticket_field), ' ' + ticket);
  mail.add_recipient("<root@Web1.example>");
  mail.add_recipient("<to@example.org>");
  const QueuedMail described = mail.describe();
  ASSERT_EQ(described.tickets, std::vector<std::string>{ticket});
  ASSERT_EQ(described.recipients.size(), 2U);
  EXPECT_EQ(described.recipients[0], digest_of({"to@example.org", "root@web1.example"}));
  EXPECT_EQ(described.recipients[1], digest_of({"to@example.org", "root"}));
}

TEST(Message, ShowsAFewTicketsAndOnlyThoseThatAreOnes) {
  Message mail = message();
  for (const char* none : {"", "x", "01ARZ3NDEKTSV4RRFFQ69G5FA"}) {
    mail.add_field(std::string(ticket_field), none);
  }
  EXPECT_TRUE(mail.describe().tickets.empty());
  for (int i = 0; i < 100; i++) mail.add_field(std::string(ticket_field), ticket);
  EXPECT_EQ(mail.describe().tickets.size(), tickets_shown);
}

TEST(Message, CountsCopiesInAnyCase) {
  Message mail = message();
  mail.add_field("X-Mail-Origin", "a");
  mail.add_field("x-mail-ORIGIN\t", "b");
  EXPECT_EQ(mail.copies_of("X-Mail-Origin"), 2U);
  EXPECT_EQ(mail.copies_of("X-Other"), 0U);
  for (int i = 0; i < 1000; i++) mail.add_field("X-Mail-Origin", "c");
  EXPECT_EQ(mail.copies_of("X-Mail-Origin"), copies_removed);
}

TEST(Message, TakesManyNamesForAnyNumberOfCopies) {
  Message mail = message();
  for (std::size_t i = 0; i < names_counted; i++) mail.add_field("X-" + std::to_string(i), "");
  mail.add_field("X-Mail-Origin", "hidden");
  EXPECT_EQ(mail.copies_of("X-Mail-Origin"), copies_removed);
}

TEST(Message, FindsAFromBehindACarriageReturn) {
  Message mail = message();
  mail.add_field("X-Other", "a\rFrom: bank@bank.example");
  EXPECT_EQ(mail.describe().claims.get(Field::from), "bank@bank.example");
}

TEST(Message, BelievesNoFromBehindWhatIsNotLookedAt) {
  for (const char* crowd : {"Subject", "From", "Return-Path", "Message-ID"}) {
    Message mail = message();
    for (int i = 0; i < 4; i++) mail.add_field(crowd, std::string(100'000, ' '));
    mail.add_field("From", "bank@bank.example");
    EXPECT_EQ(mail.describe().claims.get(Field::from).size(), info(Field::from).limit) << crowd;
  }
}

TEST(Message, IsBounded) {
  Message mail = message();
  const std::string megabyte(1 << 20, 'x');
  for (int i = 0; i < 20; i++) mail.add_field("From", megabyte);
  for (int i = 0; i < 20; i++) mail.add_recipient(megabyte);
  mail.add_field(std::string(ticket_field), ticket);
  const QueuedMail described = mail.describe();
  EXPECT_TRUE(described.recipients.empty()) << "matched to no ticket";
  EXPECT_EQ(described.claims.get(Field::recipients), "20");
  EXPECT_EQ(described.claims.get(Field::from).size(), info(Field::from).limit)
      << "longer than a sender rule believes";
  EXPECT_LE(encode_queued(described).size(), packet_limit);
}

}  // namespace
}  // namespace mailorigin::milter
