#include "client/asker.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>
#include <functional>
#include <set>
#include <thread>

#include "core/unix_socket.h"

namespace mailorigin::client {
namespace {

using std::chrono::milliseconds;

Deadline soon() { return std::chrono::steady_clock::now() + std::chrono::seconds(5); }

class AskerTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root: the socket's directory must be root's";
    std::string pattern = "/tmp/mailorigin-test-XXXXXX";
    directory_ = mkdtemp(pattern.data());
    chmod(directory_.c_str(), 0755);
    path_ = directory_ + "/s";
  }
  void TearDown() override {
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }

  void listen() { listening_ = std::move(*listen_unix(path_, 0600, 5)); }

  Fd accepted() {
    for (int i = 0; i < 5000; i++) {
      Fd connection(accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (connection) return connection;
      std::this_thread::sleep_for(milliseconds(1));
    }
    ADD_FAILURE() << "nobody connected";
    return {};
  }

  static Question received(const Fd& connection) {
    Packet packet;
    EXPECT_EQ(receive_packet(connection.get(), packet, packet_limit, soon()), Received::packet);
    auto question = decode_question(packet.bytes);
    EXPECT_TRUE(question);
    return *std::move(question);
  }

  static void answer(const Fd& connection, const Question& question, const std::string& id) {
    Answer answer;
    answer.nonce = question.nonce;
    answer.id = id;
    EXPECT_TRUE(send_packet(connection.get(), encode_answer(answer), soon()));
  }

  std::string directory_;
  std::string path_;
  Fd listening_;
};

TEST_F(AskerTest, KeepsItsConnection) {
  listen();
  std::thread daemon([&] {
    const Fd connection = accepted();
    answer(connection, received(connection), "1");
    answer(connection, received(connection), "2");
  });
  Asker asker;
  EXPECT_EQ(asker.ask(path_, {}, milliseconds(5000))->id, "1");
  EXPECT_EQ(asker.ask(path_, {}, milliseconds(5000))->id, "2");
  daemon.join();
}

TEST_F(AskerTest, AsksAgainWithTheSameNonceWhenTheConnectionIsLost) {
  listen();
  std::thread daemon([&] {
    Question first;
    {
      const Fd connection = accepted();
      first = received(connection);
    }
    const Fd connection = accepted();
    const Question again = received(connection);
    EXPECT_EQ(again.nonce, first.nonce);
    answer(connection, again, "1");
  });
  Asker asker;
  const auto got = asker.ask(path_, {}, milliseconds(5000));
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->id, "1");
  daemon.join();
}

TEST_F(AskerTest, SaysAtOnceThatNobodyListens) {
  const auto before = std::chrono::steady_clock::now();
  const auto got = Asker().ask(path_, {}, milliseconds(60'000));
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().message.find(path_), std::string::npos);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(30));
}

TEST_F(AskerTest, GivesUpAtItsTimeout) {
  listen();
  const auto got = Asker().ask(path_, {}, milliseconds(50));
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().message.find("no answer in time"), std::string::npos);
}

TEST_F(AskerTest, TrustsNoAnswerToAnotherQuestion) {
  listen();
  std::thread daemon([&] {
    const Fd connection = accepted();
    Question other = received(connection);
    other.nonce[0] ^= 1;
    answer(connection, other, "forged");
    const Fd second = accepted();
    Packet packet;
    EXPECT_EQ(receive_packet(second.get(), packet, packet_limit, soon()), Received::packet);
    EXPECT_TRUE(send_packet(second.get(), "garbage", soon()));
  });
  const auto got = Asker().ask(path_, {}, milliseconds(300));
  EXPECT_FALSE(got);
  daemon.join();
}

TEST_F(AskerTest, AForkedChildOpensItsOwn) {
  listen();
  Asker asker;
  std::thread daemon([&] {
    const Fd parents = accepted();
    answer(parents, received(parents), "parent");
    const Fd childs = accepted();
    answer(childs, received(childs), "child");
  });
  EXPECT_EQ(asker.ask(path_, {}, milliseconds(5000))->id, "parent");
  const pid_t child = fork();
  if (child == 0) {
    const auto got = asker.ask(path_, {}, milliseconds(5000));
    _exit(got && got->id == "child" ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  daemon.join();
}

}  // namespace
}  // namespace mailorigin::client
