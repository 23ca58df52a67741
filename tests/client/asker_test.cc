#include "client/asker.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "tests/client/daemon_side.h"

namespace mailorigin::client {
namespace {

class AskerTest : public DaemonSide {};

constexpr Patience patient{milliseconds(5000), milliseconds(5000)};

TEST_F(AskerTest, KeepsItsConnection) {
  listen();
  std::thread daemon([&] {
    const Fd connection = accepted();
    answer(connection, received(connection), "1");
    answer(connection, received(connection), "2");
  });
  Asker asker;
  EXPECT_EQ(asker.ask(path_, {}, patient).answer->id, "1");
  EXPECT_EQ(asker.ask(path_, {}, patient).answer->id, "2");
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
  const auto got = asker.ask(path_, {}, patient);
  ASSERT_TRUE(got.answer) << got.none.cause;
  EXPECT_EQ(got.answer->id, "1");
  daemon.join();
}

TEST_F(AskerTest, SaysAtOnceThatNobodyListens) {
  const auto before = std::chrono::steady_clock::now();
  const auto got = Asker().ask(path_, {}, {milliseconds(60'000), milliseconds(60'000)});
  ASSERT_FALSE(got.answer);
  EXPECT_EQ(got.none.why, Silence::absent);
  EXPECT_NE(got.none.cause.find(path_), std::string::npos);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(30));
}

TEST_F(AskerTest, GivesUpAtItsTimeout) {
  listen();
  const auto got = Asker().ask(path_, {}, {milliseconds(1), milliseconds(50)});
  ASSERT_FALSE(got.answer);
  EXPECT_EQ(got.none.why, Silence::late);
  EXPECT_NE(got.none.cause.find("no answer in time"), std::string::npos);
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
  const auto got = Asker().ask(path_, {}, {milliseconds(1), milliseconds(300)});
  EXPECT_FALSE(got.answer);
  EXPECT_EQ(got.none.why, Silence::late);
  daemon.join();
}

TEST_F(AskerTest, TellsWithoutWaitingAndAsksOverTheSameConnection) {
  Asker asker;
  EXPECT_FALSE(asker.tell(path_, encode_hello("context"))) << "nobody listens";
  EXPECT_FALSE(asker.is_connected());
  listen();
  EXPECT_TRUE(asker.tell(path_, encode_hello("context"))) << "nobody has accepted it yet";
  EXPECT_TRUE(asker.is_connected());
  std::thread daemon([&] {
    const Fd connection = accepted();
    Packet packet;
    EXPECT_EQ(receive_packet(connection.get(), packet, packet_limit, soon()), Received::packet);
    EXPECT_EQ(*decode_hello(packet.bytes), "context");
    answer(connection, received(connection), "1");
  });
  EXPECT_EQ(asker.ask(path_, {}, patient).answer->id, "1");
  daemon.join();
  EXPECT_FALSE(asker.is_connected()) << "the daemon has gone";
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
  EXPECT_EQ(asker.ask(path_, {}, patient).answer->id, "parent");
  const pid_t child = fork();
  if (child == 0) {
    const auto got = asker.ask(path_, {}, patient);
    _exit(got.answer && got.answer->id == "child" ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  daemon.join();
}

TEST_F(AskerTest, AFullBacklogIsLate) {
  listening_ = std::move(*listen_unix(path_, 0600, 0));
  const Fd waits = *connect_unix(path_, soon());
  const auto got = Asker().ask(path_, {}, {milliseconds(1), milliseconds(50)});
  EXPECT_EQ(got.none.why, Silence::late);
}

// A daemon that goes away while a question is with it, and stays away.
TEST_F(AskerTest, WaitsForOneThatWentAwayAsLongAsForARestart) {
  listen();
  std::thread daemon([&] {
    const Fd connection = accepted();
    received(connection);
    listening_.reset();
  });
  const auto got = Asker().ask(path_, {}, {milliseconds(50), milliseconds(60'000)});
  daemon.join();
  ASSERT_FALSE(got.answer);
  EXPECT_EQ(got.none.why, Silence::absent);
}

TEST_F(AskerTest, NoDescriptorLeftIsNotAnAbsentDaemon) {
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  for (const bool listens : {false, true}) {
    if (listens) listen();
    const rlimit none{0, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    const auto got = Asker().ask(path_, {}, patient);
    setrlimit(RLIMIT_NOFILE, &before);
    ASSERT_FALSE(got.answer);
    EXPECT_EQ(got.none.why, Silence::exhausted);
  }
}

TEST_F(AskerTest, AConnectionMadeAheadNeedsNoDescriptor) {
  listen();
  Asker asker;
  asker.connect_ahead(path_);
  std::thread daemon(
      [&, connection = accepted()] { answer(connection, received(connection), "1"); });
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{0, before.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  const auto got = asker.ask(path_, {}, patient);
  setrlimit(RLIMIT_NOFILE, &before);
  daemon.join();
  ASSERT_TRUE(got.answer) << got.none.cause;
  EXPECT_EQ(got.answer->id, "1");
}

TEST_F(AskerTest, ASocketThatMayNotBeOpenedIsNotAnAbsentDaemon) {
  listen();
  chmod(directory_.c_str(), 0700);
  const pid_t child = fork();
  if (child == 0) {
    if (setresuid(65534, 65534, 65534) != 0) _exit(2);
    _exit(Asker().ask(path_, {}, patient).none.why == Silence::unreachable ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

// Whoever stops the asking process for a while does not make the daemon late.
TEST_F(AskerTest, AnAnswerThatCameWhileTheProcessWasStoppedCounts) {
  listen();
  const pid_t child = fork();
  if (child == 0) {
    const auto got = Asker().ask(path_, {}, {milliseconds(1), milliseconds(300)});
    _exit(got.answer && got.answer->id == "1" ? 0 : 1);
  }
  const Fd connection = accepted();
  const Question question = received(connection);
  int status = -1;
  kill(child, SIGSTOP);
  waitpid(child, &status, WUNTRACED);
  answer(connection, question, "1");
  std::this_thread::sleep_for(milliseconds(500));
  kill(child, SIGCONT);
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace mailorigin::client
