// Each connection of the firewall's ring buffer is in the journal once: whoever is still
// writing his, whatever mailorigind is started anew for, and whenever it maps the ring again.
#include "mailorigind/connections/smtp_recorder.h"

#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mailorigind/connections/smtp_event.h"
#include "mailorigind/journal/event_record.h"
#include "mailorigind/limits.h"
#include "tests/daemon/ring_in_a_file.h"
#include "tests/harness/daemon.h"

namespace mailorigin::daemon {
namespace {

using Tgids = std::vector<std::uint32_t>;

// From one start to the end, which may come at any time.
class Life {
 public:
  explicit Life(const std::string& directory) {
    JournalledConnections journalled;
    auto journal =
        Journal::open(directory, 0, notices_, [&](std::uint64_t, std::string_view payload) {
          journalled.add(payload);
          const auto number = payload_connection(payload);
          if (!number) return;
          found_.push_back(static_cast<std::uint32_t>(
              std::stoul(std::string(number->substr(number->find('-') + 1)))));
        });
    EXPECT_TRUE(journal) << journal.error().message;
    journal_ = *std::move(journal);
    recording_.emplace(*journal_, notices_);
    recorder_.emplace(*recording_, names_, known_, judge_, std::move(journalled));
    recorder_->use(std::make_shared<const ActivePolicy>(
        testing::simple_policy("/log", "%{id}", 1001), std::vector<Fd>()));
  }

  // As often as it takes; of the names of users, which are waited for, there are none.
  void read(KernelRing& ring, int turns = 1) {
    for (int turn = 0; turn < turns; turn++) {
      recorder_->record(ring, moment_);
      moment_.boottime_ns += (name_wait_ms + 1) * 1'000'000;
      recorder_->record(ring, moment_);
      moment_.boottime_ns += ring_wait_interval_ms * 1'000'000;
    }
  }

  // What was in the journal when it began.
  [[nodiscard]] const Tgids& found() const { return found_; }

 private:
  service::NoticeBoard notices_;
  Tgids found_;
  std::unique_ptr<Journal> journal_;
  std::optional<Recording> recording_;
  UserNames names_{[](uid_t) { return std::string(); }};
  KnownConnections known_;
  Judge judge_;
  std::optional<SmtpRecorder> recorder_;
  Moment moment_ = Moment::now();
};

class SmtpRecorderTest : public ::testing::Test {
 protected:
  unsigned long connect(std::uint32_t tgid, std::uint32_t flags = 0) {
    mo_smtp_event event{};
    event.boottime_ns = 1'000'000;
    event.tgid = tgid;
    event.cookie = tgid;
    event.verdict = mo_deny;
    return ring_.append({reinterpret_cast<const char*>(&event), short_smtp_event}, flags);
  }
  void complete(unsigned long position) { ring_.end(position, short_smtp_event); }

  [[nodiscard]] Tgids recorded() const { return Life(directory_).found(); }

  testing::TestDirectory temporary_;
  std::string directory_ = temporary_.path();
  testing::Ring ring_{mo_ring_size};
};

TEST_F(SmtpRecorderTest, NobodysConnectionWaitsForOneThatIsBeingWritten) {
  const auto late = connect(1, BPF_RINGBUF_BUSY_BIT);
  connect(2);
  connect(3);
  {
    Life life(directory_);
    KernelRing ring = ring_.map();
    life.read(ring, 2);
    EXPECT_EQ((Tgids{2, 3}), recorded());
    complete(late);
    connect(4);
    life.read(ring, 2);
  }
  EXPECT_EQ((Tgids{2, 3, 1, 4}), recorded());
}

TEST_F(SmtpRecorderTest, ARestartMeanwhileRecordsNoneTwice) {
  connect(1);
  const auto late = connect(2, BPF_RINGBUF_BUSY_BIT);
  const auto later = connect(3, BPF_RINGBUF_BUSY_BIT);
  connect(4);
  for (int restart = 0; restart < 3; restart++) {
    Life life(directory_);
    KernelRing ring = ring_.map();
    life.read(ring);
    if (restart == 0) complete(late);
    if (restart == 1) connect(5);
  }
  complete(later);
  {
    Life life(directory_);
    KernelRing ring = ring_.map();
    life.read(ring, 2);
  }
  EXPECT_EQ((Tgids{1, 4, 2, 5, 3}), recorded());
}

TEST_F(SmtpRecorderTest, ARingMappedAnewIsReadOnWhereItWas) {
  Life life(directory_);
  const auto late = connect(1, BPF_RINGBUF_BUSY_BIT);
  connect(2);
  KernelRing ring = ring_.map();
  life.read(ring);
  connect(3);
  ring = ring_.map();
  life.read(ring, 2);
  complete(late);
  ring = ring_.map();
  life.read(ring, 2);
  EXPECT_EQ((Tgids{2, 3, 1}), recorded());
}

// More than are read in one turn.
TEST_F(SmtpRecorderTest, AFullRingIsRecordedOnceOverARestart) {
  const auto late = connect(0, BPF_RINGBUF_BUSY_BIT);
  Tgids all;
  const std::uint32_t room = mo_ring_size / (BPF_RINGBUF_HDR_SZ + short_smtp_event);
  for (std::uint32_t tgid = 1; tgid < room; tgid++) {
    connect(tgid);
    all.push_back(tgid);
  }
  const int turns = static_cast<int>(room / connections_per_turn) + 1;
  for (const bool is_complete : {false, true}) {
    if (is_complete) complete(late);
    Life life(directory_);
    KernelRing ring = ring_.map();
    life.read(ring, turns);
  }
  all.push_back(0);
  EXPECT_EQ(all, recorded());
  EXPECT_GT(ring_.read_to(), late);
}

}  // namespace
}  // namespace mailorigin::daemon
