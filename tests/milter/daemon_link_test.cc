#include "milter/daemon_link.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "core/unix_socket.h"

namespace mailorigin::milter {
namespace {

// The test in the daemon's place.
class DaemonLinkTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root: the socket's directory must be root's";
    std::string pattern = "/tmp/mailorigin-test-XXXXXX";
    directory_ = mkdtemp(pattern.data());
    chmod(directory_.c_str(), 0755);
    listening_ = *listen_unix(path(), 0600, 5);
  }
  void TearDown() override {
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }

  [[nodiscard]] std::string path() const { return directory_ + "/s"; }

  // Over the daemon's connection, or the next one that is opened.
  DaemonLink::Asked ask(DaemonLink& link) {
    std::thread daemon([this] {
      const auto soon = std::chrono::steady_clock::now() + std::chrono::seconds(5);
      if (!connection_) {
        pollfd next{listening_.get(), POLLIN, 0};
        EXPECT_EQ(poll(&next, 1, 5000), 1) << "nobody connected";
        connection_ = Fd(accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      }
      Packet packet;
      EXPECT_EQ(receive_packet(connection_.get(), packet, packet_limit, soon), Received::packet);
      const auto mail = decode_queued(packet.bytes);
      ASSERT_TRUE(mail);
      Answer answer;
      answer.nonce = mail->nonce;
      EXPECT_TRUE(send_packet(connection_.get(), encode_answer(answer), soon));
    });
    auto asked = link.ask({});
    daemon.join();
    EXPECT_TRUE(asked.reply().answer);
    return asked;
  }

  std::string directory_;
  Fd listening_;
  Fd connection_;
};

TEST_F(DaemonLinkTest, UsesAConnectionAgainUnlessItsAnswerIsTakenBack) {
  DaemonLink link(path());
  { const auto asked = ask(link); }
  {
    auto asked = ask(link);
    EXPECT_TRUE(is_open(connection_.get())) << "the same";
    asked.take_back();
    EXPECT_FALSE(is_open(connection_.get()));
  }
  connection_.reset();
  const auto asked = ask(link);
  EXPECT_TRUE(is_open(connection_.get())) << "another one";
}

}  // namespace
}  // namespace mailorigin::milter
