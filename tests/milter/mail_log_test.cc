#include "milter/mail_log.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>

#include "milter/limits.h"

namespace mailorigin::milter {
namespace {

TEST(PickupLine, IsPostfixs) {
  const auto line =
      parse_pickup_line("Nov 28 15:00:00 web1 postfix/pickup[12]: 4ABCDEF: uid=33 from=<www-data>");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->queue_id, "4ABCDEF");
  EXPECT_EQ(line->uid, 33U);
}

TEST(PickupLine, IsNoneOfOthers) {
  for (const char* other :
       {"", "postfix/pickup[", "postfix/pickup[1]: ", "postfix/pickup[1]: : uid=1 from=<>",
        "postfix/pickup[1]: 4A: uid=", "postfix/pickup[1]: 4A: uid=-1 from=<>",
        "postfix/pickup[1]: 4A: uid=99999999999 from=<>", "postfix/pickup[1]: a b: uid=1 from=<>",
        "postfix/cleanup[1]: 4A: message-id=<uid=1>"}) {
    EXPECT_FALSE(parse_pickup_line(other)) << other;
  }
}

class AMailLog : public ::testing::Test {
 protected:
  AMailLog() {
    char name[] = "/tmp/mailorigin-mail-log.XXXXXX";
    close(mkstemp(name));
    path_ = name;
  }
  ~AMailLog() override { unlink(path_.c_str()); }

  void write(const std::string& queue_id, int uid) {
    std::ofstream(path_, std::ios::app)
        << "postfix/pickup[1]: " << queue_id << ": uid=" << uid << " from=<x>\n";
  }

  std::string path_;
};

TEST_F(AMailLog, IsReadFromItsEndOn) {
  write("OLD", 1);
  MailLog log(path_);
  log.begin();
  write("NEW", 2);
  EXPECT_EQ(log.submitter_of("NEW"), 2U);
  EXPECT_EQ(log.submitter_of("OLD"), std::nullopt);
}

TEST_F(AMailLog, BelievesNoneOfTwo) {
  MailLog log(path_);
  log.begin();
  write("A", 0);
  write("A", 1000);
  write("A", 0);
  EXPECT_EQ(log.submitter_of("A"), std::nullopt);
}

// As by logger(1): the queue id that a message will get is among those that are guessed, before
// pickup(8) has written its own line.
TEST_F(AMailLog, BelievesNoGuesses) {
  MailLog log(path_);
  log.begin();
  for (int i = 0; i < 1000; i++) write("4" + std::to_string(i), 0);
  EXPECT_EQ(log.submitter_of("4500"), std::nullopt);
}

TEST_F(AMailLog, KnowsTheNextMessageBesideOneThatPostfixHasRefused) {
  MailLog log(path_);
  log.begin();
  write("REFUSED", 1000);
  for (int i = 0; i < 10; i++) {
    write("M" + std::to_string(i), i);
    EXPECT_EQ(log.submitter_of("M" + std::to_string(i)), static_cast<std::uint32_t>(i));
  }
}

TEST_F(AMailLog, TakesNoLineForAGuessWhoseMessageHasCome) {
  MailLog log(path_);
  log.begin();
  for (int i = 0; i < 10; i++) {
    const std::string early = "E" + std::to_string(i);
    const std::string late = "L" + std::to_string(i);
    write(early, 1000);
    log.message_came(early);
    log.message_came(late);
    write(late, 1000);
  }
  write("A", 1000);
  EXPECT_EQ(log.submitter_of("A"), 1000U);
}

// So that a line that names another user is the only one that is remembered.
TEST_F(AMailLog, KnowsNobodyWhileItIsFlooded) {
  MailLog log(path_);
  log.begin();
  write("A", 1000);
  for (std::size_t i = 0; i < mail_log_lines_kept; i++) write("F" + std::to_string(i), 1000);
  write("A", 0);
  write("B", 0);
  EXPECT_EQ(log.submitter_of("A"), std::nullopt);
  EXPECT_EQ(log.submitter_of("B"), std::nullopt);
}

TEST_F(AMailLog, IsFollowedWhereItIsRotated) {
  MailLog log(path_);
  log.begin();
  write("A", 1);
  std::rename(path_.c_str(), (path_ + ".1").c_str());
  write("B", 2);
  EXPECT_EQ(log.submitter_of("B"), 2U);
  EXPECT_EQ(log.submitter_of("A"), 1U) << "written before";
  unlink((path_ + ".1").c_str());
}

TEST_F(AMailLog, IsNotWaitedForWhereNobodyWritesIt) {
  MailLog log(path_);
  log.begin();
  for (int i = 0; i < 3; i++) EXPECT_EQ(log.submitter_of("A"), std::nullopt);
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; i++) EXPECT_EQ(log.submitter_of("A"), std::nullopt);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10 * mail_log_patience);
  write("B", 2);
  EXPECT_EQ(log.submitter_of("B"), 2U);
}

TEST(NoMailLog, IsNotWaitedFor) {
  MailLog none("");
  none.begin();
  EXPECT_EQ(none.submitter_of("A"), std::nullopt);
  MailLog missing("/nonexistent/mail.log");
  missing.begin();
  EXPECT_EQ(missing.submitter_of("A"), std::nullopt);
}

}  // namespace
}  // namespace mailorigin::milter
