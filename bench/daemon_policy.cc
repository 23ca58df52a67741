// What a large policy costs: decisions under 10,000 vhosts with ten limits each
// against one limit and no more vhosts than ask, and decisions while such a policy
// is replaced.
//
//   bench_policy [--rounds N]
//
// Two daemons stand side by side, each journals and logs; a few clients ask one of
// them for a second, then the other, and the CPU time of the daemon for each
// question is compared (it includes the journal and the log). Then the large policy
// is pushed again and again while one client asks the daemon every half of a
// millisecond. Needs root.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "bench/contained.h"
#include "bench/load.h"
#include "bench/result.h"

namespace mailorigin::testing {

namespace {

constexpr unsigned clients = 16;
constexpr double rate_of_client = 2000;  // below a uid's quota
constexpr std::chrono::seconds round_time{1};
constexpr std::chrono::microseconds pause_of_client{500};  // of who asks while policies come
constexpr unsigned many = 10'000;
constexpr std::uint64_t hour_ns = 3'600'000'000'000;
constexpr unsigned pushes = 10;

// As an administrator may have it: a mail counts in each of them.
void add_limits(Policy& policy, unsigned count) {
  for (VhostPolicy& vhost : policy.vhosts) {
    for (unsigned i = 0; i < count; i++) {
      LimitRule limit;
      limit.rate = {1'000'000, hour_ns + i, 1'000'000'000};
      limit.per = i % 3 == 0   ? LimitRule::Per::vhost
                  : i % 3 == 1 ? LimitRule::Per::script
                               : LimitRule::Per::uid;
      limit.count = i % 2 == 0 ? LimitRule::Count::mails : LimitRule::Count::recipients;
      vhost.limits.push_back(limit);
    }
  }
  policy.index();
}

// CPU time of all threads of a process so far, in nanoseconds.
double cpu_ns(pid_t pid) {
  double sum = 0;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    std::ifstream file(task.path() / "schedstat");
    double time = 0;
    file >> time;
    sum += time;
  }
  return sum;
}

class Host {
 public:
  Host(unsigned vhosts, unsigned limits) : policy_(make_policy(vhosts, log_path())) {
    add_limits(policy_, limits);
    daemon_.start();
    control_.emplace(daemon_.control_socket);
    log_ = open_log(log_path());
    push();
  }

  // Seconds until the daemon has said that it holds.
  double push() {
    const auto begin = Clock::now();
    const std::string refused = control_->push(policy_, daemon_.key, {log_.get()});
    if (!refused.empty()) {
      std::fprintf(stderr, "policy: %s\n", refused.c_str());
      std::exit(1);
    }
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }

  // `asking` processes ask until `meanwhile` returns. Microseconds of the daemon's CPU for
  // each question; `samples` has what the processes saw.
  template <class Meanwhile>
  double load(unsigned asking, Clock::duration interval, Samples* samples, Meanwhile meanwhile) {
    std::memset(static_cast<void*>(board_), 0, sizeof *board_);
    std::vector<pid_t> children;
    for (unsigned i = 0; i < asking; i++) {
      samples[i].asked = samples[i].count = samples[i].refused = 0;
      // All over the policy.
      const auto vhost = static_cast<unsigned>(i * policy_.vhosts.size() / clients);
      const Question question = make_question(vhost, daemon_.key);
      children.push_back(run_as(first_uid + vhost, [&] {
        return ask_all_along(daemon_.question_socket, question, interval, *board_, samples[i]);
      }));
    }
    while (board_->ready < asking) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const double before = cpu_ns(daemon_.pid());
    board_->go = true;
    meanwhile();
    board_->stop = true;
    std::uint64_t asked = 0;
    for (unsigned i = 0; i < asking; i++) {
      if (const int status = exit_status(children[i]); status != 0) {
        std::fprintf(stderr, "a client failed: %d\n", status);
        std::exit(1);
      }
      asked += samples[i].asked;
      if (samples[i].refused > 0) std::fprintf(stderr, "a client was answered busy\n");
    }
    return (cpu_ns(daemon_.pid()) - before) / static_cast<double>(asked) / 1000;
  }

 private:
  std::string log_path() { return daemon_.directory / "mail.log"; }

  DaemonHost daemon_;
  Policy policy_;
  std::optional<ControlConnection> control_;
  Fd log_;
  Board* board_ = shared<Board>(1);
};

std::vector<double> microseconds(const Samples& samples) {
  std::vector<double> all(samples.nanoseconds, samples.nanoseconds + samples.count);
  for (double& each : all) each /= 1000;
  return all;
}

void compare_decisions(Host& small, Host& large, Samples* samples, unsigned rounds) {
  const auto interval = std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double>(1 / rate_of_client));
  const auto wait = [] { std::this_thread::sleep_for(round_time); };
  std::vector<double> ratios;
  for (unsigned round = 0; round <= rounds; round++) {
    const double one = small.load(clients, interval, samples, wait);
    const double other = large.load(clients, interval, samples, wait);
    if (round == 0) continue;  // warm
    ratios.push_back(other / one);
    std::printf("  %.1f us of CPU each against %.1f us\n", other, one);
  }
  say_result("the daemon's CPU a decision, 10,000 virtual hosts with ten limits", ratios,
             "at most 1.2", "64 with one");
}

void push_while_asking(Host& large, Samples* samples) {
  large.load(1, pause_of_client, samples, [] { std::this_thread::sleep_for(round_time); });
  std::vector<double> quiet = microseconds(samples[0]);
  std::vector<double> times;
  large.load(1, pause_of_client, samples, [&] {
    for (unsigned i = 0; i < pushes; i++) times.push_back(large.push());
  });
  std::vector<double> asked = microseconds(samples[0]);
  say_result("the daemon takes a policy of 10,000 virtual hosts, s", times, "at most 1", "-");
  std::printf(
      "a decision meanwhile: p50 %.0f us, p99 %.0f us, longest %.0f us; without pushes: p50 %.0f "
      "us, p99 %.0f us, longest %.0f us\n",
      quantile(asked, 0.5), quantile(asked, 0.99), quantile(asked, 1), quantile(quiet, 0.5),
      quantile(quiet, 0.99), quantile(quiet, 1));
  say_result("the longest that a decision waits meanwhile, ms", {quantile(asked, 1) / 1000},
             "at most 5", "-");
}

int run(unsigned rounds) {
  Host small(clients, 1);
  Host large(many, 10);
  Samples* const samples = shared<Samples>(clients);
  compare_decisions(small, large, samples, rounds);
  push_while_asking(large, samples);
  return 0;
}

}  // namespace

}  // namespace mailorigin::testing

int main(int count, char* arguments[]) {
  int rounds = 9;
  if (count == 3 && std::strcmp(arguments[1], "--rounds") == 0) rounds = std::atoi(arguments[2]);
  if ((count != 1 && count != 3) || rounds < 1 || rounds > 1000) {
    std::fprintf(stderr, "usage: bench_policy [--rounds N]\n");
    return 2;
  }
  return mailorigin::testing::contained(
      [&] { return mailorigin::testing::run(static_cast<unsigned>(rounds)); });
}
