#include "submit/submission.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "client/inherited_call.h"
#include "core/mail/facts.h"

namespace mailorigin::submit {
namespace {

TEST(Submission, InheritsContextAndCall) {
  Question call;
  call.claims.set(Field::function, "popen");
  call.claims.set(Field::file, "/srv/a.php");
  call.claims.set(Field::line, std::uint64_t{7});
  call.claims.set(Field::subject, "not the call's");
  call.scripts = {"/srv/a.php", "/srv/index.php"};
  call.scripts_cut = true;
  setenv("SSL_MAILORIGIN_CONTEXT", "sealed", 1);
  setenv(client::call_variable.data(), client::encode_call(call).c_str(), 1);
  const Question question = inherited_question();
  EXPECT_TRUE(question.submitted);
  EXPECT_EQ(question.context, "sealed");
  EXPECT_EQ(question.claims.get(Field::function), "popen");
  EXPECT_EQ(question.claims.get(Field::line), "7");
  EXPECT_FALSE(question.claims.has(Field::subject));
  EXPECT_EQ(question.scripts, call.scripts);
  EXPECT_TRUE(question.scripts_cut);
  EXPECT_EQ(question.directory, "");

  unsetenv("SSL_MAILORIGIN_CONTEXT");
  setenv(client::call_variable.data(), "no call", 1);
  const Question bare = inherited_question();
  EXPECT_EQ(bare.claims.get(Field::function), "sendmail");
  EXPECT_NE(bare.directory, "");
  unsetenv(client::call_variable.data());
  EXPECT_EQ(inherited_question().claims.get(Field::function), "sendmail");
}

TEST(Submission, TakesATicketOnce) {
  setenv(client::ticket_variable.data(), "01JD0000000000000000000000", 1);
  EXPECT_EQ(take_ticket(), "01JD0000000000000000000000");
  EXPECT_EQ(take_ticket(), "");
  setenv(client::ticket_variable.data(), "no ticket", 1);
  EXPECT_EQ(take_ticket(), "");
}

TEST(Submission, SaysWhomAMessageIsFor) {
  const std::string fields = "From: me@x\nTo: a@b, c@d\nBcc: e@f\nSubject: hello\n";
  Question question;
  describe_message(question, fields, 12, {"-t", "-i", "-f", "me@x"});
  EXPECT_EQ(question.claims.get(Field::recipients), "3");
  EXPECT_EQ(question.claims.get(Field::to), "a@b, c@d");
  EXPECT_EQ(question.claims.get(Field::envelope_from), "me@x");
  EXPECT_EQ(question.claims.get(Field::subject), "hello");
  EXPECT_EQ(question.claims.get(Field::size), "12");

  // Without -t the header names nobody, unless no word surely does.
  Question by_words;
  describe_message(by_words, fields, std::nullopt, {"-i", "g@h"});
  EXPECT_EQ(by_words.claims.get(Field::recipients), "1");
  EXPECT_EQ(by_words.claims.get(Field::to), "g@h");
  EXPECT_FALSE(by_words.claims.has(Field::size));
  EXPECT_NE(by_words.recipients, question.recipients);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{}, {"-i"}, {"-N", "never"}, {"-B", "8BITMIME", "-U"}}) {
    Question by_header;
    describe_message(by_header, fields, std::nullopt, words);
    EXPECT_EQ(by_header.recipients, question.recipients) << testing::PrintToString(words);
    EXPECT_EQ(by_header.claims.get(Field::to), "a@b, c@d");
  }
  Question perhaps;
  describe_message(perhaps, fields, std::nullopt, {"-d", "x@y"});
  EXPECT_EQ(perhaps.claims.get(Field::recipients), "4");
}

// mail() writes its first argument as a field, and shows the same recipients.
TEST(Submission, HasTheRecipientsOfTheCallThatStartedIt) {
  MailText mail;
  mail.to = "Some One <a@b>, c@D";
  mail.headers = "Cc: e@f\r\nX-A: 1\r\nBcc: g@h,\r\n i@j";
  const std::vector<std::string> words = {"/usr/sbin/sendmail", "-t", "-i", "-f", "me@x", "k@l"};
  const MailFacts facts = examine_mail(mail, words, 3);
  Question question;
  describe_message(question,
                   "To: Some One <a@b>, c@D\r\nSubject: x\r\nCc: e@f\r\nX-A: 1\r\nBcc: g@h,\r\n "
                   "i@j\r\n",
                   0, {"-t", "-i", "-f", "me@x", "k@l"});
  EXPECT_EQ(question.recipients, facts.recipient_digest);
}

TEST(Submission, DescribesATransaction) {
  Question question;
  describe_transaction(question, "From: me@x\r\nTo: someone@else\r\n", {"bounce@x", {"a@b", "c@d"}},
                       {"-bs", "-C", "/tmp/rc"});
  EXPECT_EQ(question.claims.get(Field::envelope_from), "bounce@x, -C");
  EXPECT_EQ(question.claims.get(Field::to), "a@b, c@d");
  EXPECT_EQ(question.claims.get(Field::recipients), "2");
}

TEST(Refusal, SaysWhyInOneLine) {
  client::Outcome outcome;
  outcome.kind = client::Outcome::Kind::denied;
  outcome.reason = "limit";
  outcome.event_id = "01A";
  outcome.retry_after = 60;
  EXPECT_EQ(refusal_text(outcome), "not sent: limit (event 01A); again in 60 seconds");
  EXPECT_EQ(refusal(outcome).status, EX_NOPERM);
  EXPECT_EQ(refusal(client::Outcome::exhausted()).status, EX_TEMPFAIL);
}

}  // namespace
}  // namespace mailorigin::submit
