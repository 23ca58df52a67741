// Logs that have a reader: pipes and syslog.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "tests/daemon/delivery_fixture.h"

namespace mailorigin::daemon {
namespace {

using testing::open_log;
using testing::read_lines;
using testing::read_whole;

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
