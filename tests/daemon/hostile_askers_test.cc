// Who asks the real daemon and means no good.
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "mailorigind/limits.h"
#include "tests/daemon/running_daemon.h"

namespace mailorigin::testing {
namespace {

TEST_F(DaemonTest, AConnectionBelongsToTheProcessThatOpenedIt) {
  const pid_t owner = run_as(tenant, [&] {
    RawClient client(host_.question_socket);
    if (!client.ask(mail_question("owner"))) return 1;
    const pid_t child = fork();
    if (child == 0) {
      const bool answered = client.ask(mail_question("inherited")).has_value();
      _exit(answered ? 1 : 0);
    }
    if (exit_status(child) != 0) return 2;
    return client.closed() ? 0 : 3;
  });
  EXPECT_EQ(exit_status(owner), 0);
  EXPECT_NE(control_->notice_with("MO0210").find("belongs to the process"), std::string::npos);
  expect_alive();
  EXPECT_EQ(log_lines(2).size(), 2u);
}

TEST_F(DaemonTest, GarbageEndsItsOwnConnectionOnly) {
  std::mt19937 random(4711);  // the same bytes in every run
  const std::string valid = encode_question(mail_question("x"));
  for (int round = 0; round < 300; round++) {
    std::string packet;
    if (round % 2 == 0) {
      packet.resize(random() % 5000);
      for (char& byte : packet) byte = static_cast<char>(random());
    } else {
      packet = valid;
      for (int change = 0; change < 4; change++) {
        packet[random() % packet.size()] = static_cast<char>(random());
      }
    }
    RawClient client(host_.question_socket);
    if (packet.empty()) continue;
    ASSERT_TRUE(client.send(packet));
    (void)client.answer();  // an answer or the end; both come in time
  }
  for (const std::string& other :
       {encode_head(MessageType::commit), encode_answer({}), std::string(1, '\0')}) {
    RawClient client(host_.question_socket);
    ASSERT_TRUE(client.send(other));
    EXPECT_TRUE(client.closed());
  }
  expect_alive();
  // One notice per uid and minute, however many there were.
  std::size_t said = 0;
  for (const std::string& notice : control_->notices_so_far()) {
    if (notice.starts_with("MO0210")) said++;
  }
  EXPECT_EQ(said, 1u);
}

TEST_F(DaemonTest, PacketsThatAreTooLongAreRefused) {
  const int large = 32 << 20;
  for (const std::size_t size : {packet_limit + 1, std::size_t{150'000}, std::size_t{10'000'000}}) {
    RawClient client(host_.question_socket);
    setsockopt(client.fd(), SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof large);
    std::string packet = encode_question(mail_question("long"));
    packet.resize(size, 'x');
    if (client.send(packet)) {
      EXPECT_TRUE(client.closed());
    }
    expect_alive();
  }
}

TEST_F(DaemonTest, FieldsAtTheirLimitsAreCutAndMarked) {
  Question question = mail_question(std::string("nul\0cr\rlf\nbad\xff", 14));
  question.claims.set(Field::headers, std::string(10'000'000, 'h'));
  std::string recipients;
  for (int i = 0; i < 100'000; i++) recipients += "a@example.org, ";
  question.claims.set(Field::to, recipients);
  question.claims.set(Field::stack, std::string(100'000, 's'));
  question.context = std::string(20'000, 'A');
  RawClient client(host_.question_socket);
  const auto answer = client.ask(question);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->reason, "malformed");
  const auto lines = log_lines(1);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_TRUE(lines[0].starts_with("nul\\x00cr lf bad\\xff|")) << lines[0];
}

TEST_F(DaemonTest, WhoIsSilentOrDoesNotReadHoldsNobodyUp) {
  std::vector<RawClient> silent;
  for (int i = 0; i < 200; i++) silent.emplace_back(host_.question_socket);
  // A thousand questions without reading an answer: its socket fills, it is closed.
  RawClient deaf(host_.question_socket);
  const int small = 1;
  setsockopt(deaf.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  bool refused = false;
  for (int i = 0; i < 20'000 && !refused; i++) {
    if (deaf.send(encode_question(mail_question("deaf")))) continue;
    refused = errno == EPIPE || errno == ECONNRESET;
    if (!refused) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_TRUE(refused);
  expect_alive();
}

TEST_F(DaemonTest, DescriptorsThatComeWithAQuestionAreNotTaken) {
  const auto open_descriptors = [&] {
    std::size_t count = 0;
    const std::string directory = "/proc/" + std::to_string(host_.pid()) + "/fd";
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory)) {
      count++;
    }
    return count;
  };
  RawClient client(host_.question_socket);
  ASSERT_TRUE(client.ask(mail_question("before")));
  ASSERT_EQ(log_lines(1).size(), 1u);
  const std::size_t before = open_descriptors();
  // Refused by the kernel; one that cannot lets them in, and they take no number.
  const bool refused = refuse_descriptors(Fd(socket(AF_UNIX, SOCK_SEQPACKET, 0)).get());
  constexpr int messages = 20;
  for (int i = 0; i < messages; i++) {
    int fault = 0;
    const Status sent = send_packet(client.fd(), encode_question(mail_question("with")),
                                    std::chrono::steady_clock::now() + patience,
                                    std::vector<int>(200, client.fd()), &fault);
    ASSERT_EQ(fault, refused ? EPERM : 0);
    if (sent) {
      ASSERT_TRUE(client.answer());
    }
  }
  ASSERT_TRUE(client.ask(mail_question("after")));
  // It opens and closes some of its own meanwhile.
  EXPECT_LT(open_descriptors(), before + messages);
}

// A daemon under sanitizers answers fewer than the quota gives back.
#ifndef __SANITIZE_ADDRESS__
TEST_F(DaemonTest, AFloodIsAnsweredBusyAndNeighboursAreNot) {
  // Enough questions at once to be over the quota whatever the machine's speed.
  const pid_t flooder = run_as(tenant, [&] {
    RawClient client(host_.question_socket);
    int busy = 0;
    for (int i = 0; i < 40'000 && busy < 50; i++) {
      const auto answer = client.ask(mail_question("flood"));
      if (!answer) return 1;
      if (answer->verdict != Verdict::deny) continue;
      if (answer->reason != "busy" || !answer->recorded || answer->id.empty()) return 2;
      busy++;
    }
    return busy == 50 ? 0 : 3;
  });
  const int status = exit_status(flooder);
  EXPECT_EQ(status, 0);
  ask_as(neighbour, "neighbour");
}
#endif

#ifndef __SANITIZE_ADDRESS__
TEST_F(DaemonTest, WhoWasAnsweredBusyIsReadAgainAfterARest) {
  const pid_t flooder = run_as(tenant, [&] {
    RawClient client(host_.question_socket);
    for (int i = 0; i < 40'000; i++) {
      const auto answer = client.ask(mail_question("flood"));
      if (!answer) return 1;
      if (answer->reason != "busy") continue;
      const auto begin = std::chrono::steady_clock::now();
      const auto next = client.ask(mail_question("after a rest"));
      const auto taken = std::chrono::steady_clock::now() - begin;
      if (!next || next->verdict != Verdict::allow) return 2;
      // The answering thread's clock stands still for a turn.
      return taken >= std::chrono::milliseconds(daemon::busy_rest_ms - 5) ? 0 : 3;
    }
    return 4;
  });
  EXPECT_EQ(exit_status(flooder), 0);
}
#endif

// Nor are those free of a rest who repeat a question, which is never refused, or ask nothing.
TEST_F(DaemonTest, WhoHasNothingLeftIsReadAfterARestWhateverHeSends) {
  const pid_t flooder = run_as(tenant, [&] {
    const Question repeated = mail_question("repeated");
    RawClient first(host_.question_socket);
    if (!first.ask(repeated)) return 1;
    RawClient client(host_.question_socket);
    const std::string hello = encode_hello("no context");
    const auto rests = [&](const std::function<void()>& send) {
      for (int i = 0; i < 40'000; i++) {
        const auto answer = client.ask(mail_question("flood"));
        if (!answer) return false;
        if (answer->reason == "busy") break;
      }
      // It has rested for that; now the uid is in debt, by another connection.
      for (int i = 0; i < 40'000; i++) {
        const auto begin = std::chrono::steady_clock::now();
        send();
        const auto taken = std::chrono::steady_clock::now() - begin;
        if (taken >= std::chrono::milliseconds(daemon::busy_rest_ms - 5)) return true;
      }
      return false;
    };
    const bool repeats_rest = rests([&] { (void)first.ask(repeated); });
    const bool hellos_rest = rests([&] {
      (void)first.send(hello);
      (void)first.ask(repeated);
    });
    return (repeats_rest ? 0 : 2) + (hellos_rest ? 0 : 4);
  });
  EXPECT_EQ(exit_status(flooder), 0);
}

TEST_F(DaemonTest, WhoHasFloodedStillRegisters) {
  const pid_t flooder = run_as(tenant, [&] {
    RawClient client(host_.question_socket);
    for (int i = 0; i < 40'000; i++) {
      const auto answer = client.ask(mail_question("flood"));
      if (!answer) return 1;
      if (answer->reason != "busy") continue;
      Registration registration;
      registration.context = fresh_context(host_.key, tenant);
      if (!client.send(encode_registration(registration))) return 2;
      const auto registered = client.answer();
      // The context held; it is the firewall that is not there.
      return registered && registered->reason == "no-firewall" ? 0 : 3;
    }
    return 4;
  });
  EXPECT_EQ(exit_status(flooder), 0);
}

TEST_F(DaemonTest, AUidsConnectionsAreLimitedToItsLongestIdleOnes) {
  RawClient other(host_.question_socket);  // root's
  ASSERT_TRUE(other.ask(mail_question("other uid")));
  const pid_t greedy = run_as(tenant, [&] {
    std::vector<RawClient> clients;
    for (std::size_t i = 0; i < daemon::connections_per_user; i++) {
      clients.emplace_back(host_.question_socket);
    }
    // The first one is used, so that the second has been idle longest.
    if (!clients[0].ask(mail_question("in use"))) return 1;
    RawClient one_more(host_.question_socket);
    if (!one_more.ask(mail_question("one more"))) return 2;
    if (!clients[1].closed()) return 3;
    return clients[0].ask(mail_question("still in use")) ? 0 : 4;
  });
  EXPECT_EQ(exit_status(greedy), 0);
  EXPECT_TRUE(other.ask(mail_question("other uid")));
}

}  // namespace
}  // namespace mailorigin::testing
