// The real daemon and those who ask it, among them those who mean no good.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "client/asker.h"
#include "mailorigind/limits.h"
#include "tests/harness/daemon.h"

namespace mailorigin::testing {
namespace {

constexpr uid_t tenant = 31'001;
constexpr uid_t neighbour = 31'002;

// A running daemon with simple_policy(): the vhost runs as `tenant`.
class DaemonTest : public ::testing::Test {
 protected:
  static constexpr const char* format =
      "%{subject}|%{verified}|%{vhost}|%{reason}|%{uid}|%{verdict}|%{entry}";

  DaemonTest() {
    (void)std::signal(SIGPIPE, SIG_IGN);
    host_.start();
    control_.emplace(host_.control_socket);
    EXPECT_EQ(push(), "");
  }

  std::string push() {
    const Fd log = open_log(log_);
    return control_->push(simple_policy(log_, format, tenant), host_.key, {log.get()});
  }

  // Asks in a child under `uid`; true if it was answered "allow" with `reason`.
  void ask_as(uid_t uid, const std::string& subject, const std::string& context = "",
              const std::string& reason = "") {
    const pid_t child = run_as(uid, [&] {
      RawClient client(host_.question_socket);
      const auto answer = client.ask(mail_question(subject, context));
      if (!answer) return 1;
      return answer->verdict == Verdict::allow && answer->recorded && answer->reason == reason &&
                     answer->id.size() == Ulid::text_length
                 ? 0
                 : 2;
    });
    EXPECT_EQ(exit_status(child), 0) << subject;
  }

  // The log, once it has `count` lines.
  std::vector<std::string> log_lines(std::size_t count) {
    (void)eventually([&] { return read_lines(log_).size() >= count; });
    return read_lines(log_);
  }

  // Everybody else is still served.
  void expect_alive() {
    const std::size_t before = read_lines(log_).size();
    RawClient client(host_.question_socket);
    const auto answer = client.ask(mail_question("alive"));
    ASSERT_TRUE(answer);
    EXPECT_TRUE(eventually([&] { return read_lines(log_).size() > before; }));
  }

  DaemonHost host_;
  const std::string log_ = host_.directory / "mail.log";
  std::optional<ControlConnection> control_;
};

TEST_F(DaemonTest, AnswersRecordsAndLogs) {
  ask_as(tenant, "verified", fresh_context(host_.key, tenant));
  ask_as(tenant, "cron");
  ask_as(neighbour, "shell");
  ask_as(neighbour, "stolen", fresh_context(host_.key, tenant), "uid");
  ask_as(neighbour, "forged", fresh_context(SealKey::generate()), "unknown-key");
  ask_as(neighbour, "garbage", "!!!", "malformed");
  const std::string t = std::to_string(tenant);
  const std::string n = std::to_string(neighbour);
  EXPECT_EQ(log_lines(6),
            (std::vector<std::string>{
                "verified|true|example.test:80|-|" + t + "|allow|/srv/example/index.php",
                "cron|false|example.test:80|-|" + t + "|allow|/srv/example/claimed.php",
                "shell|false|-|-|" + n + "|allow|/srv/example/claimed.php",
                "stolen|false|-|uid|" + n + "|allow|/srv/example/claimed.php",
                "forged|false|-|unknown-key|" + n + "|allow|/srv/example/claimed.php",
                "garbage|false|-|malformed|" + n + "|allow|/srv/example/claimed.php",
            }));
}

TEST_F(DaemonTest, ServesTheAskerThatPhpUses) {
  client::Asker asker;
  for (int i = 0; i < 50; i++) {
    const auto answer = asker.ask(host_.question_socket, mail_question(std::to_string(i)),
                                  std::chrono::milliseconds(5000));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->verdict, Verdict::allow);
  }
  EXPECT_EQ(log_lines(50).size(), 50u);
}

TEST_F(DaemonTest, ARepeatedNonceIsOneEvent) {
  const Question question = mail_question("once");
  RawClient first(host_.question_socket);
  const auto answer = first.ask(question);
  ASSERT_TRUE(answer);
  const auto again = first.ask(question);
  RawClient second(host_.question_socket);
  const auto elsewhere = second.ask(question);
  ASSERT_TRUE(again && elsewhere);
  for (const auto& repeated : {*again, *elsewhere}) {
    EXPECT_EQ(repeated.id, answer->id);
    EXPECT_EQ(repeated.headers, answer->headers);
    EXPECT_EQ(repeated.nonce, question.nonce);
  }
  // And after a kill it is read from the journal.
  host_.kill_now();
  host_.start();
  RawClient third(host_.question_socket);
  const auto after_kill = third.ask(question);
  ASSERT_TRUE(after_kill);
  EXPECT_EQ(after_kill->id, answer->id);
  EXPECT_EQ(after_kill->headers, answer->headers);

  // Another question under the same nonce is another mail.
  Question other = mail_question("sneaked in");
  other.nonce = question.nonce;
  const auto other_answer = third.ask(other);
  ASSERT_TRUE(other_answer);
  EXPECT_NE(other_answer->id, answer->id);
  control_.emplace(host_.control_socket);
  EXPECT_EQ(push(), "");
  const auto lines = log_lines(2);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_TRUE(lines[1].starts_with("sneaked in|"));
}

TEST_F(DaemonTest, ARequestBelongsToTheFirstProcessThatShowsIt) {
  const std::string context = fresh_context(host_.key, tenant);
  // A worker whose child shows it first, then the worker itself.
  const pid_t worker = run_as(tenant, [&] {
    const auto ask = [&](const std::string& reason) {
      RawClient client(host_.question_socket);
      const auto answer = client.ask(mail_question("family", context));
      return answer && answer->reason == reason ? 0 : 1;
    };
    const pid_t child = fork();
    if (child == 0) _exit(ask(""));
    if (exit_status(child) != 0) return 1;
    return ask("");
  });
  EXPECT_EQ(exit_status(worker), 0);
  ask_as(tenant, "replayed by another process", context, "replayed");
}

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
  for (int i = 0; i < 20; i++) {
    ASSERT_TRUE(send_packet(client.fd(), encode_question(mail_question("with")),
                            std::chrono::steady_clock::now() + patience,
                            std::vector<int>(200, client.fd())));
    ASSERT_TRUE(client.answer());
  }
  EXPECT_EQ(open_descriptors(), before);
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

TEST_F(DaemonTest, AnswersWhileTheJournalsDiskIsFullButSaysThatItRecordsNothing) {
  host_.terminate();
  const std::string disk = host_.state_directory;
  const SmallDisk small(disk, "size=256k,mode=0700,uid=65534,gid=65534");
  if (!small.mounted()) GTEST_SKIP() << "no tmpfs can be mounted here";
  host_.start();
  control_.emplace(host_.control_socket);
  EXPECT_EQ(push(), "");
  const std::string ballast = disk + "/ballast";
  std::ofstream(ballast) << std::string(400'000, 'b');
  RawClient client(host_.question_socket);
  bool lost = false;
  std::size_t recorded = 0;
  for (int i = 0; i < 100 && !lost; i++) {
    const auto answer = client.ask(mail_question("full " + std::string(1000, 'x')));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->verdict, Verdict::allow);
    lost = !answer->recorded;
    if (!lost) recorded++;
  }
  EXPECT_TRUE(lost);
  EXPECT_NE(control_->notice_with("MO0212"), "");
  std::filesystem::remove(ballast);
  const auto answer = client.ask(mail_question("space again"));
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->recorded);
  EXPECT_NE(control_->notice_with("MO0213"), "");
  EXPECT_EQ(log_lines(recorded + 1).size(), recorded + 1);
  EXPECT_EQ(host_.terminate(), 0);
}

// ---- Life

TEST_F(DaemonTest, SigtermDeliversWhatWasAnswered) {
  RawClient client(host_.question_socket);
  for (int i = 0; i < 100; i++) ASSERT_TRUE(client.ask(mail_question(std::to_string(i))));
  EXPECT_EQ(host_.terminate(), 0);
  EXPECT_EQ(read_lines(log_).size(), 100u);
}

TEST_F(DaemonTest, EndsWhenHttpdHasGone) {
  RawClient client(host_.question_socket);
  ASSERT_TRUE(client.ask(mail_question("last")));
  host_.end_lifeline();
  EXPECT_EQ(host_.wait_end(), 0);
  EXPECT_EQ(read_lines(log_).size(), 1u);
}

TEST_F(DaemonTest, ASuccessorTakesOverWithoutALoss) {
  // As httpd replaces it: the new one is started before the old one is told to end.
  std::atomic<bool> stop{false};
  std::atomic<int> asked{0};
  std::atomic<int> failed{0};
  std::thread sender([&] {
    client::Asker asker;
    while (!stop) {
      const auto answer = asker.ask(host_.question_socket, mail_question(std::to_string(asked)),
                                    std::chrono::milliseconds(10'000));
      if (!answer || !answer->recorded) failed++;
      asked++;
    }
  });
  for (int round = 0; round < 3; round++) {
    EXPECT_TRUE(eventually([&] { return asked > 100 * (round + 1); }));
    const pid_t old = host_.pid();
    host_.start();
    kill(old, SIGTERM);
    EXPECT_EQ(exit_status(old), 0);
    control_.emplace(host_.control_socket);
    EXPECT_EQ(push(), "");
  }
  stop = true;
  sender.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(log_lines(static_cast<std::size_t>(asked)).size(), static_cast<std::size_t>(asked));
}

TEST_F(DaemonTest, AKillUnderLoadLosesAndDoublesNothing) {
  constexpr int clients = 8;
  constexpr int kills = 5;
  struct Shared {
    std::atomic<bool> stop;
    std::atomic<int> accepted[clients];
    std::atomic<int> refused;
  };
  auto* shared = static_cast<Shared*>(
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(shared, MAP_FAILED);
  std::vector<pid_t> children;
  for (int number = 0; number < clients; number++) {
    children.push_back(run_as(tenant + static_cast<uid_t>(number), [&] {
      client::Asker asker;
      while (!shared->stop) {
        const int mail = shared->accepted[number];
        const auto answer =
            asker.ask(host_.question_socket,
                      mail_question(std::to_string(number) + ":" + std::to_string(mail)),
                      std::chrono::milliseconds(15'000));
        if (!answer || !answer->recorded) {
          shared->refused++;
          return 1;
        }
        if (answer->verdict == Verdict::allow) shared->accepted[number]++;
      }
      return 0;
    }));
  }
  for (int round = 0; round < kills; round++) {
    std::this_thread::sleep_for(std::chrono::milliseconds(120));
    host_.kill_now();
    host_.start();
    control_.emplace(host_.control_socket);
    ASSERT_EQ(push(), "");
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  shared->stop = true;
  std::size_t total = 0;
  for (const pid_t child : children) EXPECT_EQ(exit_status(child), 0);
  for (const auto& accepted : shared->accepted) total += static_cast<std::size_t>(accepted);
  EXPECT_EQ(shared->refused, 0);
  EXPECT_GT(total, 100u);

  // Exactly the accepted ones, each once.
  (void)log_lines(total);
  EXPECT_EQ(host_.terminate(), 0);
  std::vector<std::string> subjects;
  for (const std::string& line : read_lines(log_)) {
    if (line.find("|busy|") == std::string::npos)
      subjects.push_back(line.substr(0, line.find('|')));
  }
  EXPECT_EQ(subjects.size(), total);
  std::sort(subjects.begin(), subjects.end());
  EXPECT_EQ(std::unique(subjects.begin(), subjects.end()), subjects.end()) << "doubled lines";
  munmap(shared, sizeof(Shared));
}

}  // namespace
}  // namespace mailorigin::testing
