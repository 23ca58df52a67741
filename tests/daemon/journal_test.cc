#include "mailorigind/journal/journal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "mailorigind/delivery/positions.h"
#include "mailorigind/journal/event_record.h"
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

TEST(EventRecord, BringsBackTheEventAndTheAnswer) {
  Answer answer;
  answer.nonce.fill(7);
  answer.verdict = Verdict::deny;
  answer.reason = "busy";
  answer.id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  answer.headers = {{"X-Mail-Origin", "a"}, {"X-Other", ""}};
  Event event;
  event.set(Field::time, rfc3339(1'700'000'000'123));
  event.set(Field::id, answer.id);
  event.set(Field::verdict, "deny");
  event.set(Field::reason, "busy");
  event.set(Field::uid, std::uint64_t{1001});
  event.set(Field::subject, std::string("\0\r\n\xff", 4));
  event.set(Field::verified, true);
  std::string payload;
  append_payload(payload, 4'000'000'000, answer, event);

  EXPECT_EQ(payload_policy(payload), 4'000'000'000u);
  Event read = testing::mail_question("of before").claims;
  read_event(payload, read);
  EXPECT_EQ(read, event);
  const auto given = payload_answer(payload);
  ASSERT_TRUE(given);
  EXPECT_EQ(given->uid, 1001u);
  EXPECT_EQ(given->time_ms, 1'700'000'000'123u);
  EXPECT_EQ(given->answer.nonce, answer.nonce);
  EXPECT_EQ(given->answer.verdict, Verdict::deny);
  EXPECT_EQ(given->answer.id, answer.id);
  EXPECT_EQ(given->answer.reason, "busy");
  EXPECT_EQ(given->answer.headers, answer.headers);
  EXPECT_TRUE(given->answer.recorded);

  EXPECT_EQ(payload_policy(""), 0u);
  EXPECT_EQ(payload_answer("\xff\xff"), std::nullopt);
}

TEST(EventRecord, TellsARepeatedQuestionFromAnother) {
  const Event claims = testing::mail_question("hello").claims;
  Event event = claims;
  event.set(Field::entry, "/from/the/context.php");
  event.set(Field::id, "x");
  std::string payload;
  append_payload(payload, 1, {}, event);
  EXPECT_TRUE(payload_repeats(payload, claims));
  EXPECT_FALSE(payload_repeats(payload, testing::mail_question("other").claims));
}

class PositionsTest : public ::testing::Test {
 protected:
  Positions open() {
    auto positions = Positions::open(directory_.path(), notices_);
    EXPECT_TRUE(positions) << positions.error().message;
    return *std::move(positions);
  }
  TestDirectory directory_;
  service::NoticeBoard notices_;
};

TEST_F(PositionsTest, AreThereAgainAfterEveryStore) {
  {
    Positions positions = open();
    EXPECT_EQ(positions.common(), 0u);
    positions.store_common(500);
    for (std::uint64_t key = 1; key < 200; key++) {
      positions.store(key,
                      {.journal = key, .device = 2, .inode = 3, .size = 4, .behind = key == 9});
    }
    positions.forget(7);
  }
  Positions positions = open();
  EXPECT_EQ(positions.common(), 500u);
  EXPECT_EQ(positions.furthest(), 500u);
  EXPECT_EQ(positions.find(7), nullptr);
  EXPECT_EQ(positions.keys().size(), 198u);
  ASSERT_NE(positions.find(9), nullptr);
  EXPECT_EQ(positions.find(9)->journal, 9u);
  EXPECT_EQ(positions.find(9)->device, 2u);
  EXPECT_EQ(positions.find(9)->inode, 3u);
  EXPECT_EQ(positions.find(9)->size, 4u);
  EXPECT_TRUE(positions.find(9)->behind);
  EXPECT_FALSE(positions.find(8)->behind);
  // The freed slot is used before the file grows.
  const auto size = std::filesystem::file_size(directory_ / "positions");
  positions.store(7000, {.journal = 1});
  EXPECT_EQ(std::filesystem::file_size(directory_ / "positions"), size);
}

TEST_F(PositionsTest, HaveTheBytesThatAreDocumented) {
  // docs/journal.md
  Positions positions = open();
  positions.store(target_key("file", "/var/log/apache2/mail.log"),
                  {.journal = 1, .device = 2, .inode = 3, .size = 4, .behind = true});
  std::string expected("\x61\xd7\xd8\x16\x6d\x97\x98\xd1", 8);
  for (const char number : {1, 2, 3, 4, 1, 0}) {
    expected += number;
    expected.append(7, '\0');
  }
  expected += std::string("\x87\xb0\x36\x71\x7c\x63\x9d\xf6", 8);
  EXPECT_EQ(read_whole(directory_ / "positions").substr(64, 64), expected);
}

TEST_F(PositionsTest, ADamagedSlotIsNoPosition) {
  {
    Positions positions = open();
    positions.store_common(500);
    positions.store(1, {.journal = 1});
    positions.store(2, {.journal = 2});
  }
  {
    const Fd file(::open((directory_ / "positions").c_str(), O_WRONLY));
    ASSERT_EQ(pwrite(file.get(), "?", 1, 64 + 8), 1);
    ASSERT_EQ(ftruncate(file.get(), 64 * 3 - 1), 0);
  }
  Positions positions = open();
  EXPECT_EQ(positions.common(), 500u);
  EXPECT_EQ(positions.find(1), nullptr);
  EXPECT_EQ(positions.find(2), nullptr);
}

}  // namespace
}  // namespace mailorigin::daemon
