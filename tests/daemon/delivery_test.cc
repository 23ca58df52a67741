// Delivery turn by turn, without its thread: what stands in the logs after every
// fault and after a kill at any moment.
#include "mailorigind/delivery/delivery.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "mailorigind/journal/event_record.h"
#include "mailorigind/limits.h"
#include "tests/harness/daemon.h"

namespace mailorigin::daemon {
namespace {

using testing::open_log;
using testing::read_lines;
using testing::read_whole;
using testing::TestDirectory;

constexpr std::uint32_t first_vhost = 1;

class DeliveryTest : public ::testing::Test {
 protected:
  DeliveryTest() {
    (void)std::signal(SIGPIPE, SIG_IGN);
    std::filesystem::create_directory(state_);
    reopen();
  }

  // As after a kill: nothing is kept but the files.
  void reopen(std::uint64_t capacity = journal_capacity) {
    delivery_.reset();
    journal_.reset();
    auto positions = Positions::open(state_, notices_);
    ASSERT_TRUE(positions);
    auto journal = Journal::open(state_, positions->furthest(), notices_,
                                 [](std::uint64_t, std::string_view) {});
    ASSERT_TRUE(journal);
    journal_ = *std::move(journal);
    delivery_ = std::make_unique<Delivery>(*journal_, *std::move(positions), notices_,
                                           directory_ / "syslog", capacity);
  }

  // One vhost for each list of logs, ids from first_vhost on, "%{subject}" as format.
  static Policy policy_of(const std::vector<LogTarget>& targets,
                          const std::vector<std::vector<std::uint32_t>>& vhosts) {
    Policy policy;
    policy.instance = "test";
    policy.targets = targets;
    for (std::size_t i = 0; i < vhosts.size(); i++) {
      VhostPolicy vhost;
      vhost.id = first_vhost + static_cast<std::uint32_t>(i);
      vhost.name = "v" + std::to_string(i);
      for (const std::uint32_t target : vhosts[i]) {
        vhost.logs.push_back({target, {false, "%{subject}"}});
      }
      policy.vhosts.push_back(vhost);
    }
    policy.index();
    return policy;
  }

  void adopt(Policy policy, std::vector<Fd> descriptors) {
    delivery_->adopt(
        std::make_shared<const ActivePolicy>(std::move(policy), std::move(descriptors)));
  }
  void adopt_file(const std::string& path) {
    std::vector<Fd> descriptors;
    descriptors.push_back(open_log(path));
    adopt(policy_of({{LogTarget::Kind::file, path}}, {{0}}), std::move(descriptors));
  }
  template <class... Descriptors>
  static std::vector<Fd> list(Descriptors... descriptors) {
    std::vector<Fd> all;
    (all.push_back(std::move(descriptors)), ...);
    return all;
  }

  void write_event(const std::string& subject, std::uint32_t vhost = first_vhost) {
    Event event;
    event.set(Field::time, rfc3339(now_ms_));
    event.set(Field::subject, subject);
    std::string batch;
    const std::size_t begin = begin_record(batch);
    append_payload(batch, vhost, {}, event);
    end_record(batch, begin);
    ASSERT_TRUE(journal_->append(batch));
  }
  // Subjects "FROM" ... "TO-1".
  std::vector<std::string> write_numbers(int from, int to, std::uint32_t vhost = first_vhost) {
    std::vector<std::string> subjects;
    for (int i = from; i < to; i++) {
      subjects.push_back("event number " + std::to_string(i));
      write_event(subjects.back(), vhost);
    }
    return subjects;
  }

  // Until there is nothing more to do at once; time goes on by `step` each turn.
  void deliver(std::uint64_t step = 0) {
    int quiet = 0;
    for (int turn = 0; turn < 2000; turn++) {
      now_ms_ += step;
      quiet = delivery_->turn(now_ms_) ? 0 : quiet + 1;
      if (quiet > 3) return;
    }
    FAIL() << "delivery does not come to rest";
  }

  std::vector<std::string> notices() {
    std::vector<std::string> texts;
    for (const Notice& notice : notices_.take()) texts.push_back(notice.text);
    return texts;
  }

  TestDirectory directory_;
  const std::string state_ = directory_ / "state";
  const std::string log_ = directory_ / "mail.log";
  service::NoticeBoard notices_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Delivery> delivery_;
  std::uint64_t now_ms_ = 1'000'000;
};

using Lines = std::vector<std::string>;

TEST_F(DeliveryTest, WritesEachEventIntoItsVhostsLogs) {
  const std::string other = directory_ / "other.log";
  adopt(policy_of({{LogTarget::Kind::file, log_}, {LogTarget::Kind::file, other}},
                  {{0}, {1}, {0, 1}, {}}),
        list(open_log(log_), open_log(other)));
  write_event("a", 1);
  write_event("b", 2);
  write_event("c", 3);
  write_event("d", 4);
  write_event("gone vhost", 77);  // the server's, which has none
  deliver();
  EXPECT_EQ(read_lines(log_), (Lines{"a", "c"}));
  EXPECT_EQ(read_lines(other), (Lines{"b", "c"}));
  EXPECT_TRUE(notices().empty());
}

TEST_F(DeliveryTest, ALogThatIsNamedTwiceHasBothLines) {
  Policy policy = policy_of({{LogTarget::Kind::file, log_}}, {{0, 0}});
  policy.vhosts[0].logs[1].format = {false, "again %{subject}"};
  adopt(policy, list(open_log(log_)));
  write_event("a");
  write_event("b");
  deliver();
  EXPECT_EQ(read_lines(log_), (Lines{"a", "again a", "b", "again b"}));
}

TEST_F(DeliveryTest, WaitsForTheFirstPolicy) {
  const Lines subjects = write_numbers(0, 5);
  deliver();
  adopt_file(log_);
  deliver();
  EXPECT_EQ(read_lines(log_), subjects);
}

TEST_F(DeliveryTest, WithAStoredPolicyWaitsForTheDescriptors) {
  adopt(policy_of({{LogTarget::Kind::file, log_}}, {{0}}), {});
  const Lines subjects = write_numbers(0, 5);
  deliver(500);
  reopen();
  adopt(policy_of({{LogTarget::Kind::file, log_}}, {{0}}), {});
  deliver(500);
  adopt_file(log_);
  deliver();
  EXPECT_EQ(read_lines(log_), subjects);
}

// The heart of the promise: whatever was stored and written when the process was
// killed, the next one completes the log exactly.
TEST_F(DeliveryTest, AfterAKillAtAnyByteOfAWriteTheLogIsExact) {
  adopt_file(log_);
  Lines expected = write_numbers(0, 3);
  deliver();
  delivery_.reset();
  const std::string positions_before = read_whole(state_ + "/positions");
  const std::string log_before = read_whole(log_);
  reopen();
  adopt_file(log_);
  for (const std::string& subject : write_numbers(3, 7)) expected.push_back(subject);
  deliver();
  const std::string log_after = read_whole(log_);
  ASSERT_EQ(read_lines(log_), expected);

  for (std::size_t size = log_before.size(); size <= log_after.size(); size++) {
    delivery_.reset();
    journal_.reset();
    std::ofstream(state_ + "/positions", std::ios::binary) << positions_before;
    std::ofstream(log_, std::ios::binary) << log_after.substr(0, size);
    reopen();
    adopt_file(log_);
    deliver();
    ASSERT_EQ(read_whole(log_), log_after) << "killed after " << size << " bytes";
    // And it goes on from there.
    reopen();
    adopt_file(log_);
    deliver();
    ASSERT_EQ(read_whole(log_), log_after) << "started again after " << size << " bytes";
  }
  EXPECT_TRUE(notices().empty());
}

TEST_F(DeliveryTest, AfterAKillBetweenTwoLogsBothAreExact) {
  const std::string logs[] = {log_, directory_ / "other.log"};
  const Policy policy =
      policy_of({{LogTarget::Kind::file, logs[0]}, {LogTarget::Kind::file, logs[1]}}, {{0, 1}});
  const auto begin = [&] {
    reopen();
    adopt(policy, list(open_log(logs[0]), open_log(logs[1])));
  };
  begin();
  deliver();
  const std::string positions_before = read_whole(state_ + "/positions");
  const Lines subjects = write_numbers(0, 4);
  deliver();
  const std::string positions_after = read_whole(state_ + "/positions");
  const std::string written = read_whole(log_);

  // One log was written and its position stored, the other one not yet; their
  // slots stand in the targets' order, behind the common position's.
  constexpr std::size_t slot_size = 64;
  for (std::size_t done = 0; done < 2; done++) {
    std::string positions = positions_before;
    const std::size_t slot = slot_size * (1 + done);
    positions.replace(slot, slot_size, positions_after, slot, slot_size);
    std::ofstream(state_ + "/positions", std::ios::binary) << positions;
    std::ofstream(logs[done], std::ios::binary) << written;
    std::ofstream(logs[1 - done], std::ios::binary) << "";
    begin();
    deliver();
    EXPECT_EQ(read_lines(logs[0]), subjects);
    EXPECT_EQ(read_lines(logs[1]), subjects);
  }
}

TEST_F(DeliveryTest, AfterAKillForeignLinesInTheLogDoNotConfuseIt) {
  adopt_file(log_);
  const Lines first = write_numbers(0, 1);
  deliver();
  delivery_.reset();
  const std::string positions_before = read_whole(state_ + "/positions");
  const std::string log_before = read_whole(log_);
  reopen();
  const Lines more = write_numbers(1, 4);
  std::ofstream(state_ + "/positions", std::ios::binary) << positions_before;
  std::ofstream(log_) << log_before << "foreign\n"
                      << more[0] << "\nanother event number 2\n"
                      << more[1] << "\nforeign again\n";
  reopen();
  adopt_file(log_);
  deliver();
  EXPECT_EQ(read_lines(log_), (Lines{first[0], "foreign", more[0], "another event number 2",
                                     more[1], "foreign again", more[2]}));
}

TEST_F(DeliveryTest, IdenticalLinesAreCountedAfterAKill) {
  adopt_file(log_);
  deliver();
  delivery_.reset();
  const std::string positions_before = read_whole(state_ + "/positions");
  reopen();
  for (int i = 0; i < 5; i++) write_event("the same");
  std::ofstream(state_ + "/positions", std::ios::binary) << positions_before;
  std::ofstream(log_) << "the same\nthe same\nthe s";
  reopen();
  adopt_file(log_);
  deliver();
  EXPECT_EQ(read_lines(log_), (Lines(5, "the same")));
}

TEST_F(DeliveryTest, GoesOnInANewFileAfterRotation) {
  adopt_file(log_);
  const Lines first = write_numbers(0, 3);
  deliver();
  std::filesystem::rename(log_, log_ + ".1");
  const Lines still_old = write_numbers(3, 4);
  deliver();
  adopt_file(log_);  // the graceful restart
  const Lines second = write_numbers(4, 6);
  deliver();
  reopen();
  adopt_file(log_);
  deliver();
  EXPECT_EQ(read_lines(log_ + ".1").size(), 4u);
  EXPECT_EQ(read_lines(log_), second);
}

// ---- Pipes

struct Pipe {
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
    read.reset(ends[0]);
    write.reset(ends[1]);
    fcntl(read.get(), F_SETFL, O_NONBLOCK);
  }
  std::string drain() const {
    std::string all;
    char buffer[65536];
    for (;;) {
      const ssize_t length = ::read(read.get(), buffer, sizeof buffer);
      if (length <= 0) return all;
      all.append(buffer, static_cast<std::size_t>(length));
    }
  }
  Fd read;
  Fd write;
};

TEST_F(DeliveryTest, AStalledPipeLosesNothingAndStopsNobody) {
  Pipe pipe;
  const Policy policy =
      policy_of({{LogTarget::Kind::pipe, "|cat"}, {LogTarget::Kind::file, log_}}, {{0, 1}});
  adopt(policy, list(std::move(pipe.write), open_log(log_)));
  std::string expected;
  for (int i = 0; i < 300; i++) {
    const std::string subject = std::to_string(i) + std::string(1000, 'x');
    write_event(subject);
    expected += subject + "\n";
  }
  deliver(100);
  EXPECT_EQ(read_whole(log_), expected);
  EXPECT_TRUE(notices().empty()) << "it may only be slow";
  deliver(1500);
  const auto stalled = notices();
  ASSERT_EQ(stalled.size(), 1u);
  EXPECT_NE(stalled[0].find("|cat"), std::string::npos);

  std::string received;
  for (int i = 0; i < 100 && received.size() < expected.size(); i++) {
    received += pipe.drain();
    deliver(1500);
  }
  EXPECT_EQ(received, expected);
  const auto over = notices();
  ASSERT_EQ(over.size(), 1u);
  EXPECT_NE(over[0].find("written again"), std::string::npos);
}

TEST_F(DeliveryTest, APipeTakesLinesThatAreLongerThanItsAtomicSize) {
  Pipe pipe;
  adopt(policy_of({{LogTarget::Kind::pipe, "|cat"}}, {{0}}), list(std::move(pipe.write)));
  std::string expected;
  std::string received;
  for (int i = 0; i < 60; i++) {
    const std::string subject(i % 2 == 0 ? 2000 : 10, static_cast<char>('a' + i % 26));
    for (int repeat = 0; repeat < 4; repeat++) {
      write_event(subject);
      expected += subject + "\n";
    }
  }
  for (int i = 0; i < 100; i++) {
    deliver(1000);
    received += pipe.drain();
  }
  EXPECT_EQ(received, expected);
}

TEST_F(DeliveryTest, AReplacedPipeGetsWhatTheOldOneDidNotTake) {
  Pipe first;
  const Policy policy = policy_of({{LogTarget::Kind::pipe, "|log"}}, {{0}});
  adopt(policy, list(std::move(first.write)));
  const Lines before = write_numbers(0, 3);
  deliver();
  EXPECT_EQ(first.drain(), before[0] + "\n" + before[1] + "\n" + before[2] + "\n");
  first.read.reset();  // the old program has gone
  const Lines between = write_numbers(3, 6);
  deliver(100);
  EXPECT_TRUE(notices().empty());
  Pipe second;
  adopt(policy, list(std::move(second.write)));
  deliver();
  EXPECT_EQ(second.drain(), between[0] + "\n" + between[1] + "\n" + between[2] + "\n");
  EXPECT_TRUE(notices().empty());
}

TEST_F(DeliveryTest, ALogThatIsTakenOutOfTheConfigurationGetsItsBacklog) {
  Pipe old;
  fcntl(old.write.get(), F_SETPIPE_SZ, 4096);
  adopt(policy_of({{LogTarget::Kind::pipe, "|old"}}, {{0}}), list(std::move(old.write)));
  std::string expected;
  for (int i = 0; i < 20; i++) {
    const std::string subject = std::to_string(i) + std::string(1000, 'x');
    write_event(subject);
    expected += subject + "\n";
  }
  deliver(10);
  adopt_file(log_);
  write_event("for the new one");
  std::string received;
  for (int i = 0; i < 40 && received.size() < expected.size(); i++) {
    received += old.drain();
    deliver(100);
  }
  EXPECT_EQ(received, expected);
  EXPECT_EQ(read_lines(log_), (Lines{"for the new one"}));
}

TEST_F(DeliveryTest, ARemovedLogThatCannotBeWrittenIsGivenUpWithANotice) {
  Pipe old;
  adopt(policy_of({{LogTarget::Kind::pipe, "|old"}}, {{0}}), list(std::move(old.write)));
  deliver();
  old.read.reset();
  write_numbers(0, 3);
  deliver(10);
  adopt_file(log_);
  deliver(100);
  const auto said = notices();
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find("|old"), std::string::npos);
  EXPECT_NE(said[0].find("3 events"), std::string::npos);
}

// ---- Full disks

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

// ---- syslog

TEST_F(DeliveryTest, SyslogGetsRfc3164AndIsWaitedFor) {
  adopt(policy_of({{LogTarget::Kind::syslog, "local3"}}, {{0}}), {});
  write_event("early");
  deliver(100);
  EXPECT_TRUE(notices().empty());

  const Fd daemon(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = directory_ / "syslog";
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(daemon.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  for (int i = 0; i < 50; i++) write_event("line " + std::to_string(i));  // more than its queue

  Lines received;
  for (int i = 0; i < 200 && received.size() < 51; i++) {
    deliver(1000);
    char buffer[9000];
    for (;;) {
      const ssize_t length = recv(daemon.get(), buffer, sizeof buffer, 0);
      if (length < 0) break;
      received.emplace_back(buffer, static_cast<std::size_t>(length));
    }
  }
  ASSERT_EQ(received.size(), 51u);
  // local3.notice = 19 * 8 + 5
  EXPECT_EQ(received[0].substr(0, 5), "<157>");
  EXPECT_NE(received[0].find(" mailorigin[" + std::to_string(getpid()) + "]: early"),
            std::string::npos)
      << received[0];
  EXPECT_TRUE(received[50].ends_with(": line 49"));
}

}  // namespace
}  // namespace mailorigin::daemon
