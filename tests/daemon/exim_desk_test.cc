// Who is heard on Exim's socket, and what becomes of what is no line.
#include "mailorigind/queueing/exim_desk.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/unix_socket.h"
#include "core/wire/exim_line.h"
#include "mailorigind/limits.h"
#include "tests/harness/daemon.h"
#include "tests/harness/loopback.h"

namespace mailorigin::daemon {
namespace {

class EximDeskTest : public ::testing::Test {
 protected:
  Fd connect() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    desk_.accept(listening_.get(), moment_);
    return socket;
  }
  // As the daemon's loop does.
  void turn() {
    for (const auto& ready : std::vector(poller_.wait(100))) desk_.read(ready.fd);
  }
  std::string ask(std::string_view bytes) {
    const Fd socket = connect();
    std::string answer;
    std::size_t sent = 0;
    while (sent < bytes.size() && answer.empty()) {
      const ssize_t part =
          send(socket.get(), bytes.data() + sent, bytes.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (part > 0) sent += static_cast<std::size_t>(part);
      turn();
      answer = received(socket);
    }
    shutdown(socket.get(), SHUT_WR);
    // A turn reads a part of what has been sent.
    for (int turns = 0; turns < 100 && answer.empty(); turns++) {
      turn();
      answer = received(socket);
    }
    return answer;
  }
  static std::string received(const Fd& socket) {
    char buffer[1024];
    const ssize_t length = recv(socket.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    return length > 0 ? std::string(buffer, static_cast<std::size_t>(length)) : "";
  }

  testing::TestDirectory directory_;
  const std::string path_ = directory_ / "exim.sock";
  Fd listening_ = std::move(*listen_unix(path_, 0600, 5, SOCK_STREAM));
  service::Poller poller_{16, 1};
  service::NoticeBoard notices_;
  Moment moment_ = Moment::now();
  std::optional<Answer> answer_ = Answer();
  int asked_ = 0;
  QueuedMail mail_;
  EximDesk desk_{poller_, notices_, [this](QueuedMail mail) {
                   asked_++;
                   mail_ = std::move(mail);
                   return answer_;
                 }};
};

TEST_F(EximDeskTest, AnswersALineAndCloses) {
  EXPECT_EQ(ask("id=x\n"), "verdict=allow\n");
  EXPECT_EQ(ask("id=x"), "verdict=allow\n") << "the end ends it, too";
  answer_.reset();
  EXPECT_EQ(ask("id=x\n"), "verdict=defer\n");
  EXPECT_EQ(asked_, 3);
}

TEST_F(EximDeskTest, SeesWhoseConnectionItIs) {
  for (const int family : {AF_INET, AF_INET6}) {
    testing::LoopbackConnection connection(family);
    const std::string address = family == AF_INET ? "127.0.0.1" : "::1";
    const std::string line = "by=smtp id=x address=" + address +
                             " port=" + std::to_string(connection.client_port()) +
                             " local_address=" + address +
                             " local_port=" + std::to_string(connection.server_port()) + "\n";
    ask(line);
    EXPECT_EQ(mail_.uid, geteuid());
    EXPECT_NE(mail_.cookie, 0U);
    EXPECT_EQ(mail_.client.port, connection.client_port());
    EXPECT_EQ(mail_.server.port, connection.server_port());
    EXPECT_TRUE(mail_.uid_from.empty());
    connection.client.reset();
    ask(line);
    EXPECT_FALSE(mail_.uid) << "the kernel says 0 of who has gone";
  }
  ask("by=smtp uid=7 id=x\n");
  EXPECT_EQ(mail_.uid, 7U) << "over no connection, by Exim's word";
}

TEST_F(EximDeskTest, WhatIsNoLineLetsNothingIn) {
  EXPECT_EQ(ask("let me in\n"), "verdict=defer\n");
  EXPECT_EQ(ask("\n"), "verdict=defer\n");
  EXPECT_EQ(ask(std::string(exim_line_limit + 65'536, 'x')), "verdict=defer\n");
  EXPECT_EQ(asked_, 0);
  EXPECT_EQ(notices_.lasting().size(), 1U);
  ask("id=x\n");
  EXPECT_TRUE(notices_.lasting().empty());
}

TEST_F(EximDeskTest, WhoIsSilentGoes) {
  const Fd silent = connect();
  EXPECT_GT(desk_.keep_house(moment_.elapsed_ms()), 0);
  EXPECT_EQ(desk_.keep_house(moment_.elapsed_ms() + exim_patience_ms), -1);
  char byte = 0;
  EXPECT_EQ(recv(silent.get(), &byte, 1, 0), 0);
}

}  // namespace
}  // namespace mailorigin::daemon
