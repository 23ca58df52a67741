#include "client/asker.h"

#include <sys/wait.h>

#include "tests/client/daemon_side.h"

namespace mailorigin::client {
namespace {

class AskerTest : public DaemonSide {};

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
