// The real daemon's beginning and end, while it is asked.
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iterator>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "client/asker.h"
#include "tests/daemon/running_daemon.h"

namespace mailorigin::testing {
namespace {

client::Patience patient(int milliseconds) {
  const std::chrono::milliseconds time(milliseconds);
  return {.absent = time, .late = time};
}

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
      const auto answer =
          asker.ask(host_.question_socket, mail_question(std::to_string(asked)), patient(10'000))
              .answer;
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
            asker
                .ask(host_.question_socket,
                     mail_question(std::to_string(number) + ":" + std::to_string(mail)),
                     patient(15'000))
                .answer;
        if (!answer || !answer->recorded) {
          shared->refused++;
          return 1;
        }
        if (answer->verdict == Verdict::allow) shared->accepted[number]++;
      }
      return 0;
    }));
  }
  const auto sum = [&] {
    return std::accumulate(std::begin(shared->accepted), std::end(shared->accepted), 0);
  };
  const auto more_are_accepted = [&] {
    return eventually([&, goal = sum() + 200] { return sum() >= goal || shared->refused > 0; });
  };
  for (int round = 0; round < kills; round++) {
    ASSERT_TRUE(more_are_accepted());
    host_.kill_now();
    host_.start();
    control_.emplace(host_.control_socket);
    ASSERT_EQ(push(), "");
  }
  ASSERT_TRUE(more_are_accepted());
  shared->stop = true;
  for (const pid_t child : children) EXPECT_EQ(exit_status(child), 0);
  const auto total = static_cast<std::size_t>(sum());
  EXPECT_EQ(shared->refused, 0);

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
