#include "mailorigind/journal/retention.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "tests/harness/daemon.h"

namespace mailorigin::daemon {
namespace {

class Reader final : public JournalConsumer {
 public:
  explicit Reader(std::string_view name) : name_(name) {}
  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] std::uint64_t position() const override { return at; }
  std::uint64_t lose(const Journal::Segment& segment) override {
    at = segment.end;
    return 10;
  }

  [[nodiscard]] std::uint64_t share() const override { return most; }

  std::uint64_t at = 0;
  std::uint64_t most = UINT64_MAX;

 private:
  const std::string_view name_;
};

class RetentionTest : public ::testing::Test {
 protected:
  RetentionTest() {
    auto journal = Journal::open(directory_.path(), 0, notices_, [](auto, auto) {});
    EXPECT_TRUE(journal);
    journal_ = *std::move(journal);
  }

  void fill(std::size_t segments) {
    const std::string payload(200'000, 'x');
    while (journal_->segments().size() < segments) {
      std::string batch;
      const std::size_t begin = begin_record(batch);
      batch += payload;
      end_record(batch, begin);
      ASSERT_TRUE(journal_->append(batch));
    }
  }

  testing::TestDirectory directory_;
  service::NoticeBoard notices_;
  std::unique_ptr<Journal> journal_;
};

TEST_F(RetentionTest, LosesToOneConsumerWhatIsMoreThanItsShare) {
  Retention retention(*journal_);
  Reader logs("logs");
  Reader store("store");
  store.most = 3 * segment_size;
  retention.add(logs);
  retention.add(store);
  fill(segments_kept + 4);
  const std::uint64_t begin = journal_->begin();
  retention.tend();
  EXPECT_GE(store.at, journal_->end() - store.most);
  EXPECT_LT(store.at, journal_->end() - store.most + 2 * segment_size);
  EXPECT_EQ(retention.standings()[1].lost % 10, 0U);
  EXPECT_GT(retention.standings()[1].lost, 0U);
  EXPECT_EQ(retention.standings()[0].lost, 0U);
  EXPECT_EQ(journal_->begin(), begin);  // the logs have not been there
}

TEST_F(RetentionTest, KeepsWhatOneConsumerStillNeeds) {
  Retention retention(*journal_);
  Reader fast("fast");
  Reader slow("slow");
  retention.add(fast);
  retention.add(slow);
  fill(segments_kept + 3);
  const auto segments = journal_->segments();
  fast.at = journal_->end();
  retention.tend();
  EXPECT_EQ(journal_->begin(), 0U);
  slow.at = segments[1].end - 1;
  retention.tend();
  EXPECT_EQ(journal_->begin(), segments[1].base);
  slow.at = journal_->end();
  retention.tend();
  EXPECT_EQ(journal_->segments().size(), segments_kept);
}

TEST_F(RetentionTest, AFullJournalCountsWhatEachConsumerLoses) {
  Retention retention(*journal_, (segments_kept + 2) * segment_size);
  Reader fast("fast");
  Reader slow("slow");
  retention.add(fast);
  retention.add(slow);
  fill(segments_kept + 5);
  fast.at = journal_->segments()[1].end;
  const std::uint64_t behind_the_lost = journal_->segments()[3].base;
  retention.tend();
  EXPECT_EQ(journal_->begin(), behind_the_lost);
  const auto standings = retention.standings();
  ASSERT_EQ(standings.size(), 2U);
  EXPECT_EQ(standings[0].name, "fast");
  EXPECT_EQ(standings[0].lost, 10U);
  EXPECT_EQ(standings[1].name, "slow");
  EXPECT_EQ(standings[1].lost, 30U);
  EXPECT_EQ(standings[1].position, behind_the_lost);
}

}  // namespace
}  // namespace mailorigin::daemon
