#include "mailorigind/journal/journal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mailorigind/limits.h"
#include "tests/harness/daemon.h"

namespace mailorigin::daemon {
namespace {

using testing::read_whole;
using testing::TestDirectory;

std::string record(const std::string& payload) {
  std::string batch;
  const std::size_t begin = begin_record(batch);
  batch += payload;
  end_record(batch, begin);
  return batch;
}

class JournalTest : public ::testing::Test {
 protected:
  std::unique_ptr<Journal> open(std::uint64_t at_least = 0) {
    recent_.clear();
    auto journal = Journal::open(
        directory_.path(), at_least, notices_,
        [&](std::uint64_t, std::string_view payload) { recent_.emplace_back(payload); });
    EXPECT_TRUE(journal) << journal.error().message;
    return *std::move(journal);
  }

  std::vector<std::string> read_all(const Journal& journal, std::uint64_t from = 0) {
    std::vector<std::string> payloads;
    JournalReader reader(journal, from, notices_);
    for (;;) {
      const auto& records = reader.read();
      if (records.empty()) return payloads;
      for (const auto& one : records) payloads.emplace_back(one.payload);
    }
  }

  std::vector<std::string> notices() {
    std::vector<std::string> texts;
    for (const Notice& notice : notices_.take()) texts.push_back(notice.text);
    return texts;
  }

  static std::string newest(const Journal& journal) {
    return journal.path(journal.segments().back());
  }

  // Fills segments until there are `count` of them; returns what was written.
  static std::vector<std::string> fill(Journal& journal, std::size_t count) {
    std::vector<std::string> payloads;
    while (journal.segments().size() < count) {
      payloads.push_back(std::to_string(payloads.size()) + std::string(200'000, 'x'));
      EXPECT_TRUE(journal.append(record(payloads.back())));
    }
    return payloads;
  }

  TestDirectory directory_;
  service::NoticeBoard notices_;
  std::vector<std::string> recent_;
};

TEST_F(JournalTest, ReadsWhatWasAppendedAlsoInALaterRun) {
  {
    const auto journal = open();
    EXPECT_EQ(journal->end(), 0u);
    ASSERT_TRUE(journal->append(record("one") + record("two")));
    ASSERT_TRUE(journal->append(record("three")));
    EXPECT_EQ(read_all(*journal), (std::vector<std::string>{"one", "two", "three"}));
  }
  const auto journal = open();
  EXPECT_EQ(recent_, (std::vector<std::string>{"one", "two", "three"}));
  ASSERT_TRUE(journal->append(record("four")));
  EXPECT_EQ(read_all(*journal), (std::vector<std::string>{"one", "two", "three", "four"}));
  EXPECT_TRUE(notices().empty());
}

TEST_F(JournalTest, FindsARecordByItsPosition) {
  const auto journal = open();
  ASSERT_TRUE(journal->append(record("one")));
  const std::uint64_t second = journal->end();
  ASSERT_TRUE(journal->append(record("two")));
  EXPECT_EQ(journal->payload_at(0), "one");
  EXPECT_EQ(journal->payload_at(second), "two");
  EXPECT_EQ(journal->payload_at(second + 1), std::nullopt);
  EXPECT_EQ(journal->payload_at(journal->end()), std::nullopt);
}

TEST_F(JournalTest, ContinuesInSegmentsAndRemovesTheOldest) {
  auto journal = open();
  const auto payloads = fill(*journal, segments_kept + 2);
  EXPECT_EQ(read_all(*journal), payloads);
  journal = open();
  EXPECT_EQ(journal->segments().size(), segments_kept + 2);
  EXPECT_EQ(recent_.back(), payloads.back());
  EXPECT_TRUE(journal->remove_oldest());
  EXPECT_TRUE(journal->remove_oldest());
  EXPECT_FALSE(journal->remove_oldest());
  EXPECT_GT(journal->begin(), 0u);
  const auto rest = read_all(*journal);  // from 0: what is gone is passed over
  ASSERT_LT(rest.size(), payloads.size());
  EXPECT_TRUE(std::equal(rest.rbegin(), rest.rend(), payloads.rbegin()));
  EXPECT_TRUE(notices().empty());
}

TEST_F(JournalTest, CutsATailTornAtAnyByte) {
  const std::string first = record("the first record");
  const std::string second = record("the second one");
  for (std::size_t cut = 0; cut < second.size(); cut++) {
    std::filesystem::remove_all(directory_ / "journal-0000000000000000");
    {
      const auto journal = open();
      ASSERT_TRUE(journal->append(first));
    }
    std::ofstream(directory_ / "journal-0000000000000000", std::ios::app) << second.substr(0, cut);
    const auto journal = open();
    ASSERT_EQ(journal->end(), first.size());
    ASSERT_EQ(notices().size(), cut > 0 ? 1u : 0u);
    ASSERT_TRUE(journal->append(record("after")));
    ASSERT_EQ(read_all(*journal), (std::vector<std::string>{"the first record", "after"}));
  }
}

TEST_F(JournalTest, CutsATailOfZerosOrGarbage) {
  for (const std::string& tail : {std::string(5000, '\0'), std::string(5000, '\xff')}) {
    std::filesystem::remove_all(directory_ / "journal-0000000000000000");
    ASSERT_TRUE(open()->append(record("one")));
    std::ofstream(directory_ / "journal-0000000000000000", std::ios::app) << tail;
    const auto journal = open();
    EXPECT_EQ(read_all(*journal), (std::vector<std::string>{"one"}));
    EXPECT_EQ(notices().size(), 1u);
  }
}

TEST_F(JournalTest, SkipsADamagedMiddleToTheNextSegment) {
  auto journal = open();
  const auto payloads = fill(*journal, 3);
  const std::string damaged = journal->path(journal->segments()[1]);
  const std::uint64_t end_of_second = journal->segments()[1].end;
  {
    const Fd file(::open(damaged.c_str(), O_WRONLY));
    ASSERT_EQ(pwrite(file.get(), "!", 1, 1'000'000), 1);
  }
  journal = open();
  const auto rest = read_all(*journal);
  EXPECT_LT(rest.size(), payloads.size());
  EXPECT_EQ(rest.back(), payloads.back());
  const auto said = notices();
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find(damaged), std::string::npos);
  // Once, although it is read again.
  EXPECT_FALSE(read_all(*journal, end_of_second - 500'000).empty());
  EXPECT_TRUE(notices().empty());
}

TEST_F(JournalTest, LeavesALargeDamagedLastSegmentAlone) {
  auto journal = open();
  for (int i = 0; i < 20; i++) {
    ASSERT_TRUE(journal->append(record(std::to_string(i) + std::string(200'000, 'x'))));
  }
  const std::string damaged = newest(*journal);
  const auto size = std::filesystem::file_size(damaged);
  {
    const Fd file(::open(damaged.c_str(), O_WRONLY));
    ASSERT_EQ(pwrite(file.get(), "!", 1, 500'000), 1);
  }
  journal = open();
  EXPECT_EQ(std::filesystem::file_size(damaged), size);
  ASSERT_TRUE(journal->append(record("after")));
  EXPECT_EQ(read_all(*journal).size(), 3u);
  EXPECT_EQ(read_all(*journal).back(), "after");
  EXPECT_EQ(notices().size(), 1u);
}

TEST_F(JournalTest, NeverGoesBackBehindAPosition) {
  ASSERT_TRUE(open()->append(record("one")));
  const auto journal = open(1'000'000);
  EXPECT_EQ(journal->end(), 1'000'000u);
  ASSERT_TRUE(journal->append(record("two")));
  EXPECT_EQ(read_all(*journal, 1'000'000), (std::vector<std::string>{"two"}));
}

TEST_F(JournalTest, AFullDiskTakesNothingOrAllAndPasses) {
  const auto journal = open();
  ASSERT_TRUE(journal->append(record("one")));
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  (void)std::signal(SIGXFSZ, SIG_IGN);
  // Room for a part of the next batch: the write is cut short, then fails.
  const rlimit full{journal->end() + 20, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  const Status appended = journal->append(record("two") + record("three"));
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_FALSE(appended);
  EXPECT_EQ(read_all(*journal), (std::vector<std::string>{"one"}));
  EXPECT_EQ(read_whole(newest(*journal)), record("one"));
  ASSERT_TRUE(journal->append(record("four")));
  EXPECT_EQ(read_all(*journal), (std::vector<std::string>{"one", "four"}));
}

TEST_F(JournalTest, AFullDiskStopsNothingForASegmentAndAnother) {
  const std::string disk = directory_ / "disk";
  std::filesystem::create_directory(disk);
  const testing::SmallDisk small(disk, "size=72m");
  if (!small.mounted()) GTEST_SKIP() << "no tmpfs can be mounted here";
  auto journal = Journal::open(disk, 0, notices_, [](auto, auto) {});
  ASSERT_TRUE(journal);
  std::ofstream(disk + "/ballast") << std::string(72 << 20, 'b');
  const std::string batch = record(std::string(record_limit, 'x'));
  std::size_t appended = 0;
  while (appended < 64 << 20 && (*journal)->append(batch)) appended += batch.size();
  EXPECT_GE(appended, 2 * segment_size);
  EXPECT_LT(appended, 64U << 20);
  // Also after a restart.
  std::filesystem::remove(disk + "/ballast");
  journal = Journal::open(disk, 0, notices_, [](auto, auto) {});
  ASSERT_TRUE(journal);
  std::ofstream(disk + "/ballast") << std::string(72 << 20, 'b');
  EXPECT_TRUE((*journal)->append(batch));
}

TEST_F(JournalTest, RefusesAStateDirectoryThatIsNotThere) {
  const auto journal = Journal::open(directory_ / "nowhere", 0, notices_, {});
  ASSERT_FALSE(journal);
  EXPECT_NE(journal.error().message.find("nowhere"), std::string::npos);
}

TEST(JournalRecord, RefusesImpossibleLengths) {
  std::string bytes = record("payload");
  EXPECT_EQ(parse_record(bytes).payload, "payload");
  bytes[3] = '\x7f';
  EXPECT_EQ(parse_record(bytes).state, ParsedRecord::State::damaged);
  EXPECT_EQ(parse_record(std::string(100, '\0')).state, ParsedRecord::State::damaged);
  EXPECT_EQ(parse_record("").state, ParsedRecord::State::cut_off);
}

TEST(JournalRecord, HasTheBytesThatAreDocumented) {
  // docs/journal.md
  EXPECT_EQ(record("abc"), std::string("\x03\x00\x00\x00"
                                       "\x0d\x4c\xf0\xe2\x6a\x0e\x38\x0b"
                                       "abc",
                                       15));
}

}  // namespace
}  // namespace mailorigin::daemon
