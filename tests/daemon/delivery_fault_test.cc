// What stands in the logs after full disks and full journals, and what is said of it.
#include <fcntl.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/daemon/delivery_fixture.h"

namespace mailorigin::daemon {
namespace {

using testing::open_log;
using testing::read_lines;
using testing::read_whole;

TEST_F(DeliveryTest, AFullDiskLosesAndDoublesNothing) {
  const std::string disk = directory_ / "disk";
  std::filesystem::create_directory(disk);
  const testing::SmallDisk small(disk, "size=64k");
  if (!small.mounted()) GTEST_SKIP() << "no tmpfs can be mounted here";
  const std::string log = disk + "/mail.log";
  const std::string ballast = disk + "/ballast";
  std::ofstream(ballast) << std::string(60'000, 'b');
  adopt(policy_of({{LogTarget::Kind::file, log}, {LogTarget::Kind::file, log_}}, {{0, 1}}),
        list(open_log(log), open_log(log_)));
  std::string expected;
  for (int i = 0; i < 40; i++) {
    const std::string subject = std::to_string(i) + std::string(700, 'x');
    write_event(subject);
    expected += subject + "\n";
  }
  deliver(100);
  EXPECT_EQ(read_whole(log_), expected) << "the other log goes on";
  EXPECT_LT(read_whole(log).size(), expected.size());
  const auto said = notices();
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find("No space left"), std::string::npos);

  // Killed in the middle of it, with half a line written.
  reopen();
  adopt(policy_of({{LogTarget::Kind::file, log}, {LogTarget::Kind::file, log_}}, {{0, 1}}),
        list(open_log(log), open_log(log_)));
  deliver(100);
  std::filesystem::remove(ballast);
  deliver(3000);
  EXPECT_EQ(read_whole(log), expected);
  EXPECT_EQ(read_whole(log_), expected);
  write_event("last");
  deliver(100);
  EXPECT_EQ(read_whole(log), expected + "last\n");
}

TEST_F(DeliveryTest, ALogThatIsDeletedIsSaidAndLosesNothing) {
  adopt_file(log_);
  write_numbers(0, 2);
  deliver();
  std::filesystem::remove(log_);
  const Lines subjects = write_numbers(2, 5);
  deliver(100);
  EXPECT_FALSE(std::filesystem::exists(log_));
  const auto said = notices();
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].find("MO0236: " + log_ + " was deleted"), 0u) << said[0];
  EXPECT_NE(said[0].find("`apachectl graceful`"), std::string::npos);
  EXPECT_EQ(notices_.lasting().size(), 1u);
  EXPECT_NE(delivery_->backlog().logs.at(0).reason.find("deleted"), std::string::npos);

  adopt_file(log_);  // the graceful restart
  deliver();
  EXPECT_EQ(read_lines(log_), subjects);
  EXPECT_TRUE(notices_.lasting().empty());
  EXPECT_EQ(delivery_->backlog().count, 0u);
}

TEST_F(DeliveryTest, ADeletedLogThatIsNotConfiguredAnyMoreIsGivenUp) {
  const std::string other = directory_ / "other.log";
  adopt_file(other);
  deliver();
  std::filesystem::remove(other);
  write_numbers(0, 3);
  deliver(100);
  adopt_file(log_);
  deliver(100);
  EXPECT_EQ(delivery_->backlog().count, 0u);
  EXPECT_EQ(delivery_->backlog().handled, journal_->end());
}

TEST_F(DeliveryTest, ADeviceThatIsAlwaysFullIsSaidOnce) {
  adopt(policy_of({{LogTarget::Kind::file, "/dev/full"}}, {{0}}),
        list(Fd(open("/dev/full", O_RDWR | O_CLOEXEC))));
  write_numbers(0, 10);
  for (int i = 0; i < 50; i++) deliver(1000);
  EXPECT_EQ(notices().size(), 1u);
}

TEST_F(DeliveryTest, TellsWhichLogsAreBehindAndWhy) {
  const std::string good = directory_ / "good.log";
  adopt(
      policy_of({{LogTarget::Kind::file, good}, {LogTarget::Kind::file, "/dev/full"}}, {{0}, {1}}),
      list(open_log(good), Fd(open("/dev/full", O_WRONLY))));
  write_numbers(0, 3);
  deliver();
  EXPECT_EQ(delivery_->backlog().count, 0U);
  EXPECT_EQ(delivery_->backlog().handled, journal_->end());

  const std::uint64_t before = journal_->end();
  write_event("stuck", first_vhost + 1);
  write_numbers(3, 6);
  deliver();
  const Delivery::Backlog backlog = delivery_->backlog();
  EXPECT_EQ(backlog.handled, before);
  EXPECT_EQ(backlog.count, 1U);
  ASSERT_EQ(backlog.logs.size(), 1U);
  EXPECT_EQ(backlog.logs[0].name, "/dev/full");
  EXPECT_EQ(backlog.logs[0].position, before);
  EXPECT_FALSE(backlog.logs[0].catching_up);
  EXPECT_NE(backlog.logs[0].reason.find("No space left"), std::string::npos);
}

TEST_F(DeliveryTest, OfManyLogsThatAreBehindSomeAreNamed) {
  std::vector<LogTarget> targets;
  std::vector<std::vector<std::uint32_t>> vhosts;
  for (std::uint32_t i = 0; i < 3 * logs_shown; i++) {
    targets.push_back({LogTarget::Kind::file, directory_ / std::to_string(i)});
    vhosts.push_back({i});
  }
  adopt(policy_of(targets, vhosts), {});
  deliver();
  const Delivery::Backlog backlog = delivery_->backlog();
  EXPECT_EQ(backlog.count, 3 * logs_shown);
  ASSERT_EQ(backlog.logs.size(), logs_shown);
  EXPECT_EQ(backlog.logs[0].reason, "httpd has not handed it over");
}

TEST_F(DeliveryTest, AFullJournalCountsWhatALaggingLogLoses) {
  constexpr std::uint64_t capacity = 6 * segment_size;
  reopen(capacity);
  adopt(policy_of({{LogTarget::Kind::file, "/dev/full"}, {LogTarget::Kind::file, log_}},
                  {{0, 1}, {1}}),
        list(Fd(open("/dev/full", O_RDWR | O_CLOEXEC)), open_log(log_)));
  // Not all of the padding reaches the log: the format takes the subject alone.
  std::uint64_t written = 0;
  for (; journal_->end() < capacity + 2 * segment_size; written++) {
    Event event;
    event.set(Field::subject, std::to_string(written));
    event.set(Field::headers, std::string(16'000, 'h'));
    event.set(Field::to, std::string(4'000, 't'));
    std::string batch;
    for (int repeat = 0; repeat < 4; repeat++) {
      const std::size_t begin = begin_record(batch);
      append_payload(batch, repeat == 0 ? 1 : 2, {}, event);
      end_record(batch, begin);
    }
    ASSERT_TRUE(journal_->append(batch));
    if (written % 50 == 0) deliver();
  }
  deliver();
  EXPECT_LE(journal_->end() - journal_->begin(), capacity);
  EXPECT_EQ(read_lines(log_).size(), 4 * written);
  bool lost = false;
  for (const std::string& text : notices())
    lost = lost || text.find("are lost") != std::string::npos;
  EXPECT_TRUE(lost);
}

TEST_F(DeliveryTest, HandledSegmentsAreRemoved) {
  adopt_file(log_);
  for (int i = 0; journal_->end() < (segments_kept + 4) * segment_size; i++) {
    Event event;
    event.set(Field::subject, std::to_string(i));
    event.set(Field::headers, std::string(16'000, 'h'));
    std::string batch;
    const std::size_t begin = begin_record(batch);
    append_payload(batch, 1, {}, event);
    end_record(batch, begin);
    ASSERT_TRUE(journal_->append(batch));
  }
  deliver();
  EXPECT_EQ(journal_->segments().size(), segments_kept);
}

}  // namespace
}  // namespace mailorigin::daemon
