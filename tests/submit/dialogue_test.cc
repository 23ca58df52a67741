#include "submit/dialogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailorigin::submit {
namespace {

using namespace std::string_view_literals;
using testing::HasSubstr;
using testing::Not;

// A mail server that takes everything, and says so; a program that has said it all ahead.
class DialogueTest : public ::testing::Test {
 protected:
  std::optional<std::string> hold(std::string_view program_says, bool batch = false) {
    program_says_ = program_says;
    Dialogue dialogue(
        {[this](char* into, std::size_t room) { return read(program_says_, into, room); },
         [this](std::string_view bytes) { return heard_ += bytes, true; },
         [this](char* into, std::size_t room) { return read(server_says_, into, room); },
         [this](std::string_view bytes) { return serve(bytes), true; }},
        batch, [this](const Envelope& envelope, std::string_view fields) {
          asked_.push_back(envelope);
          fields_ = fields;
          return outcome_;
        });
    return dialogue.run();
  }

  // Another connection.
  void connect_again() {
    server_says_ = "220 mx\r\n";
    server_got_ = heard_ = {};
    in_message_ = false;
    asked_.clear();
  }

  static client::Outcome with_header() {
    client::Outcome outcome;
    outcome.headers = {{"X-Mail-Origin", "01A"}};
    return outcome;
  }

  static std::size_t read(std::string& from, char* into, std::size_t room) {
    const std::size_t length = std::min(from.size(), room);
    std::copy_n(from.begin(), length, into);
    from.erase(0, length);
    return length;
  }

  void serve(std::string_view bytes) {
    server_got_ += bytes;
    if (in_message_) {
      if (!server_got_.ends_with("\r\n.\r\n")) return;
      in_message_ = false;
      server_says_ += "250 queued\r\n";
    } else if (bytes == "EHLO\r\n" || bytes == "HELO\r\n" || bytes == "RSET now\r\n") {
      server_says_ += "501 syntax\r\n";
    } else if (bytes.starts_with("EHLO")) {
      server_says_ +=
          "250-mx\r\n250-SIZE 100\r\n250-STARTTLS\r\n250-PIPELINING\r\n250 CHUNKING\r\n";
    } else if (bytes == "DATA\r\n") {
      server_says_ += "354 go on\r\n";
      in_message_ = true;
    } else if (bytes.starts_with("RCPT TO:<nobody")) {
      server_says_ += "550 no such user\r\n";
    } else {
      server_says_ += "250 ok\r\n";
    }
  }

  std::string program_says_;
  std::string heard_;  // by the program
  std::string server_says_ = "220 mx\r\n";
  std::string server_got_;
  bool in_message_ = false;
  client::Outcome outcome_ = with_header();
  std::vector<Envelope> asked_;
  std::string fields_;
};

constexpr std::string_view one_mail =
    "MAIL FROM:<me@x> SIZE=1\r\nRCPT TO:<a@b>\r\nRCPT TO:<nobody@b>\r\nrcpt to: <c@d> "
    "NOTIFY=NEVER\r\nDATA\r\nSubject: x\r\nX-Mail-Origin: forged\r\n\r\n..body\r\n.\r\n";

TEST_F(DialogueTest, AsksAndAddsTheHeader) {
  hold("EHLO me\r\n" + std::string(one_mail) + "QUIT\r\n");
  ASSERT_EQ(asked_.size(), 1U);
  EXPECT_EQ(asked_[0].sender, "me@x");
  EXPECT_EQ(asked_[0].recipients, (std::vector<std::string>{"a@b", "c@d"}));
  EXPECT_EQ(fields_, "Subject: x\r\nX-Mail-Origin: forged\r\n");
  EXPECT_THAT(server_got_,
              HasSubstr("DATA\r\nX-Mail-Origin: 01A\r\nSubject: x\r\n\r\n..body\r\n.\r\nQUIT\r\n"));
  EXPECT_EQ(heard_,
            "220 mx\r\n250-mx\r\n250-SIZE 100\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n550 no such "
            "user\r\n250 ok\r\n354 end with a dot on a line by itself\r\n250 queued\r\n250 ok\r\n");
}

// What the server has refused has reset nothing there.
TEST_F(DialogueTest, KeepsWhatTheServerKeeps) {
  for (const std::string_view refused : {"EHLO", "HELO", "RSET now", "MAIL FROM:<other@x>"}) {
    connect_again();
    hold("MAIL FROM:<me@x>\r\nRCPT TO:<a@b>\r\n" + std::string(refused) +
         "\r\nRCPT TO:<c@d>\r\nDATA\r\n\r\n.\r\n");
    ASSERT_EQ(asked_.size(), 1U) << refused;
    EXPECT_EQ(asked_[0].sender, "me@x") << refused;
    EXPECT_EQ(asked_[0].recipients, (std::vector<std::string>{"a@b", "c@d"})) << refused;
  }
  EXPECT_THAT(server_got_, Not(HasSubstr("other@x")));
}

TEST_F(DialogueTest, BeginsAnewWhereTheServerDoes) {
  for (const std::string_view reset : {"EHLO me", "helo me", "RSET"}) {
    connect_again();
    hold("MAIL FROM:<me@x>\r\nRCPT TO:<a@b>\r\n" + std::string(reset) +
         "\r\nMAIL FROM:<other@x>\r\nRCPT TO:<c@d>\r\nDATA\r\n\r\n.\r\n");
    ASSERT_EQ(asked_.size(), 1U) << reset;
    EXPECT_EQ(asked_[0].sender, "other@x") << reset;
    EXPECT_EQ(asked_[0].recipients, std::vector<std::string>{"c@d"}) << reset;
  }
}

// A batch has no replies.
TEST_F(DialogueTest, OfABatchBelievesNoResetThatMayBeRefused) {
  for (const std::string_view refused : {"EHLO me", "HELO", "RSET now"}) {
    connect_again();
    hold("MAIL FROM:<me@x>\r\nRCPT TO:<a@b>\r\n" + std::string(refused) +
             "\r\nRCPT TO:<c@d>\r\nDATA\r\n\r\n.\r\n",
         true);
    ASSERT_EQ(asked_.size(), 1U) << refused;
    EXPECT_EQ(asked_[0].recipients.size(), 2U) << refused;
  }
  EXPECT_EQ(hold("MAIL FROM:<me@x>\r\nMAIL FROM:<other@x>\r\n", true),
            "503 5.5.1 there is a sender already");
}

TEST_F(DialogueTest, SaysAllOfAPathThatServersReadDifferently) {
  for (const std::string_view path :
       {"<>ev@other", "(c) <ev@other>", "\"me@x\" <ev@other>", "<<ev@other>>", "<me\\@x>"}) {
    connect_again();
    hold("MAIL FROM:" + std::string(path) + "\r\nRCPT TO:<a@b>\r\nDATA\r\n\r\n.\r\n");
    ASSERT_EQ(asked_.size(), 1U) << path;
    EXPECT_EQ(asked_[0].sender, path);
  }
}

TEST_F(DialogueTest, RefusesOneMailAndGoesOn) {
  outcome_.kind = client::Outcome::Kind::denied;
  outcome_.reason = "limit";
  outcome_.event_id = "01B";
  hold(std::string(one_mail) + "NOOP\r\n" + std::string(one_mail));
  EXPECT_EQ(asked_.size(), 2U);
  EXPECT_THAT(heard_, HasSubstr("550 5.7.1 not sent: limit (event 01B)\r\n250 ok\r\n"));
  EXPECT_THAT(server_got_, Not(HasSubstr("DATA")));
  EXPECT_THAT(server_got_, HasSubstr("RSET\r\nNOOP\r\nMAIL"));
}

TEST_F(DialogueTest, AsksForTimeWithoutAnAnswer) {
  outcome_ = client::Outcome::exhausted();
  hold(one_mail);
  EXPECT_THAT(heard_, HasSubstr("451 4.7.1 not sent: exhausted\r\n"));
}

TEST_F(DialogueTest, SendsNothingOfAMessageThatBreaksOff) {
  const std::string whole(one_mail);
  for (std::size_t length = 0; length < whole.size(); length++) {
    connect_again();
    hold(whole.substr(0, length));
    EXPECT_THAT(server_got_, Not(HasSubstr("\r\n.\r\n"))) << length;
  }
}

TEST_F(DialogueTest, PassesNoMessageInAnotherWay) {
  hold(
      "MAIL FROM:<me@x>\r\nRCPT TO:<a@b>\r\nBDAT 9 LAST\r\nMAIL FROM\nNOOP\r\nSTARTTLS\r\nSOML "
      "FROM:<x>\r\nBURL imap:x LAST\r\nDAT\x00"
      "A\r\nNOOP x\rDATA\r\n"sv);
  EXPECT_EQ(server_got_, "MAIL FROM:<me@x>\r\nRCPT TO:<a@b>\r\nNOOP\r\n");
  EXPECT_TRUE(asked_.empty());
}

TEST_F(DialogueTest, TakesNoMessageForNobody) {
  hold("MAIL FROM:<me@x>\r\nRCPT TO:<nobody@b>\r\nDATA\r\nRSET\r\nDATA\r\n");
  EXPECT_EQ(server_got_, "MAIL FROM:<me@x>\r\nRCPT TO:<nobody@b>\r\nRSET\r\n");
}

// Some servers would see the end of one message and a second one.
TEST_F(DialogueTest, SmugglesNothing) {
  for (const std::string_view end :
       {"\n.\n", "\r.\r", "\n.\r", "\r\n.\r", "\r.\r\n", "\n.\r\r\n"}) {
    connect_again();
    hold("MAIL FROM:<me@x>\r\nRCPT TO:<a@b>\r\nDATA\r\nA: 1\r\n\r\nx" + std::string(end) +
         "MAIL FROM:<evil@x>\r\nRCPT TO:<victim@b>\r\nDATA\r\nB: 2\r\n\r\n.\r\n");
    std::size_t messages = 0;
    for (std::size_t at = 0; (at = server_got_.find("\n.\r\n", at)) != std::string::npos; at++) {
      messages++;
    }
    EXPECT_EQ(messages, asked_.size());
    EXPECT_THAT(server_got_, Not(HasSubstr("\r.")));
    for (std::size_t at = 0; (at = server_got_.find('\n', at)) != std::string::npos; at++) {
      EXPECT_EQ(server_got_[at - 1], '\r');
    }
  }
}

TEST_F(DialogueTest, LetsThroughTheAnswersToAChallenge) {
  server_says_ = "220 mx\r\n334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n";
  hold("AUTH LOGIN\r\nZGF0YQ==\r\nDATA\r\nNOOP\r\n");
  EXPECT_EQ(server_got_, "AUTH LOGIN\r\nZGF0YQ==\r\nDATA\r\nNOOP\r\n");
}

TEST_F(DialogueTest, RefusesAnEndlessHeader) {
  hold("MAIL FROM:<me@x>\r\nRCPT TO:<a@b>\r\nDATA\r\nA: " + std::string(head_limit + 100'000, 'x') +
       "\r\n\r\nbody\r\n.\r\nNOOP\r\n");
  EXPECT_THAT(heard_, HasSubstr("552 5.3.4"));
  EXPECT_TRUE(asked_.empty());
  EXPECT_THAT(server_got_, HasSubstr("RSET\r\nNOOP\r\n"));
}

TEST_F(DialogueTest, SaysThatTheServerHasGone) {
  server_says_ = "220 mx\r\n221 bye\r\n";
  hold("QUIT\r\nNOOP\r\n");
  EXPECT_EQ(heard_, "220 mx\r\n221 bye\r\n");
  heard_ = server_says_ = {};
  hold("NOOP\r\n");
  EXPECT_THAT(heard_, HasSubstr("421 4.3.0"));
}

TEST_F(DialogueTest, OfABatchAsksWithoutAnAnswerFromAnybody) {
  server_says_ = {};
  EXPECT_EQ(hold(std::string(one_mail) + std::string(one_mail), true), std::nullopt);
  EXPECT_EQ(asked_.size(), 2U);
  EXPECT_EQ(heard_, "");
  server_got_ = {};
  outcome_.kind = client::Outcome::Kind::denied;
  outcome_.reason = "limit";
  EXPECT_EQ(hold(one_mail, true), "550 5.7.1 not sent: limit");
  EXPECT_THAT(server_got_, Not(HasSubstr("DATA")));
}

}  // namespace
}  // namespace mailorigin::submit
