#include "submit/head.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "core/text.h"

namespace mailorigin::submit {
namespace {

using namespace std::string_view_literals;

const client::HeaderFields ours = {{"X-Mail-Origin", "01A"}};

Head head_of(std::string_view message, bool ended = true) {
  Head head;
  head.add(message);
  if (ended) head.end();
  return head;
}

TEST(Head, EndsAtTheFirstEmptyLine) {
  EXPECT_EQ(head_of("To: a@b\nSubject: x\n\nbody\n\nmore").fields(), "To: a@b\nSubject: x\n");
  EXPECT_EQ(head_of("To: a@b\r\n\r\nbody").fields(), "To: a@b\r\n");
  EXPECT_EQ(head_of("To: a@b").fields(), "To: a@b");
  EXPECT_EQ(head_of("To: a@b\nX").fields(), "To: a@b\nX");
  EXPECT_EQ(head_of("").fields(), "");
  // What one mail server takes for the end, another does not.
  EXPECT_EQ(head_of("A: 1\nno field\nBcc: a@b\n\nbody").fields(), "A: 1\nno field\nBcc: a@b\n");
  EXPECT_EQ(head_of("A: 1\n \nBcc: a@b\n\n").fields(), "A: 1\n \nBcc: a@b\n");
  EXPECT_EQ(head_of("A: 1\n\0\nBcc: a@b\n\n"sv).fields(), "A: 1\n\0\nBcc: a@b\n"sv);
}

TEST(Head, HasNoMailboxLineInSmtp) {
  Head head(Head::MailboxLine::is_no_such);
  head.add("From me\nTo: a@b\n\n");
  EXPECT_EQ(head.fields(), "");
  EXPECT_EQ(head.with(ours), "X-Mail-Origin: 01A\n\nFrom me\nTo: a@b\n\n");
}

TEST(Head, IsKnownToBeWholeOnlyThen) {
  Head head;
  const std::string message = "From a@b Mon\nTo: a@b\n\n";
  for (std::size_t i = 0; i < message.size(); i++) {
    EXPECT_FALSE(head.is_whole()) << i;
    head.add(message.substr(i, 1));
  }
  EXPECT_TRUE(head.is_whole());
  EXPECT_EQ(head.fields(), "To: a@b\n");
}

TEST(Head, IsEmptyWhereTheMessageBeginsWithNoField) {
  for (const char* message : {"hello\nTo: a@b\n\n", " To: a@b\n\n", "\nTo: a@b\n", "hello"}) {
    EXPECT_EQ(head_of(message).fields(), "") << message;
    EXPECT_TRUE(head_of(message).is_whole());
  }
  EXPECT_TRUE(head_of("hello\n", false).is_whole());
}

TEST(Head, HasOtherFieldsInFront) {
  EXPECT_EQ(head_of("To: a@b\n\nbody").with(ours), "X-Mail-Origin: 01A\nTo: a@b\n\nbody");
  EXPECT_EQ(head_of("To: a@b\r\n\r\nbody").with(ours), "X-Mail-Origin: 01A\r\nTo: a@b\r\n\r\nbody");
  EXPECT_EQ(head_of("From a@b Mon\n>From c\nTo: a@b\n\n").with(ours),
            "From a@b Mon\n>From c\nX-Mail-Origin: 01A\nTo: a@b\n\n");
  EXPECT_EQ(head_of("To: a@b\n\nbody").with({}), "To: a@b\n\nbody");
}

TEST(Head, LosesCopiesOfThem) {
  EXPECT_EQ(head_of("x-mail-origin : forged\n too\nTo: a@b\nX-MAIL-ORIGIN:x\n\nX-Mail-Origin: body")
                .with(ours),
            "X-Mail-Origin: 01A\nTo: a@b\n\nX-Mail-Origin: body");
  EXPECT_EQ(head_of("To: a@b\rX-Mail-Origin: forged\nA: 1\n\n").with(ours),
            "X-Mail-Origin: 01A\nTo: a@b\r\nA: 1\n\n");
  // The empty line stays one.
  EXPECT_EQ(head_of("To: a@b\rX-Mail-Origin: forged\n\nBcc: body\n").with(ours),
            "X-Mail-Origin: 01A\nTo: a@b\r\n\nBcc: body\n");
  EXPECT_EQ(head_of("X-Mail-Origin: forged").with(ours), "X-Mail-Origin: 01A\n");
}

TEST(Head, MakesNoHeaderOfABody) {
  EXPECT_EQ(head_of("hello\nBcc: a@b\n").with(ours), "X-Mail-Origin: 01A\n\nhello\nBcc: a@b\n");
  EXPECT_EQ(head_of(" folded").with(ours), "X-Mail-Origin: 01A\n\n folded");
  EXPECT_EQ(head_of("\nhello").with(ours), "X-Mail-Origin: 01A\n\nhello");
  EXPECT_EQ(head_of("").with(ours), "X-Mail-Origin: 01A\n");
  EXPECT_EQ(head_of("").with(ours, "\r\n"), "X-Mail-Origin: 01A\r\n");
}

TEST(Head, KnowsHowMuchOfTheBodyIsThere) {
  EXPECT_EQ(head_of("To: a@b\n\nbody").body_size(), 4U);
  EXPECT_EQ(head_of("To: a@b\r\n\r\nbody\r\n").body_size(), 6U);
  EXPECT_EQ(head_of("hello").body_size(), 5U);
  EXPECT_EQ(head_of("To: a@b").body_size(), 0U);
}

// A line of a megabyte, in small pieces.
TEST(Head, TakesTimeInProportion) {
  Head head;
  const std::string piece(1000, 'x');
  head.add("Subject: ");
  for (int i = 0; i < 2000; i++) head.add(piece);
  head.add("\n\n");
  EXPECT_TRUE(head.is_whole());
  EXPECT_EQ(head.fields().size(), 9 + 2'000'000 + 1u);
}

}  // namespace
}  // namespace mailorigin::submit
