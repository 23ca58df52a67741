// How much mailorigind takes: processes of as many uids, each with the sealed
// context of its own vhost, ask a real daemon that journals and logs.
//
//   bench_daemon [--seconds N] [--clients N] [--rounds N]
//
// Prints decisions per second, the latency that the clients see, and the CPU time
// of the daemon's threads: all clients at full speed, at half of that, and one
// client alone; beside each what the same packets take with a server that does
// nothing but answer. Rounds with the kernel placing everybody, then one with the daemon
// on one core and the clients on the others. Needs root.
#include <fcntl.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "bench/contained.h"
#include "bench/load.h"
#include "bench/result.h"

namespace mailorigin::testing {

namespace {

constexpr double one_client_rate = 2000;  // below a uid's quota

void place(pid_t pid, bool first_core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  const long count = sysconf(_SC_NPROCESSORS_ONLN);
  for (long core = first_core ? 0 : 1; core < (first_core ? 1 : count); core++) {
    CPU_SET(static_cast<std::size_t>(core), &cores);
  }
  sched_setaffinity(pid, sizeof cores, &cores);
}

// User and system time of each of a process's threads, in seconds.
std::vector<double> thread_times(pid_t pid) {
  std::vector<double> times;
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  for (const auto& entry : std::filesystem::directory_iterator(tasks)) {
    const std::string stat = read_whole(entry.path() / "stat");
    std::istringstream fields(stat.substr(stat.rfind(')') + 1));
    std::string skipped;
    for (int field = 3; field < 14; field++) fields >> skipped;
    double user = 0;
    double system = 0;
    fields >> user >> system;
    times.push_back((user + system) / static_cast<double>(sysconf(_SC_CLK_TCK)));
  }
  return times;
}

// What the sockets alone take: receives with credentials, and sends as many bytes
// as an answer has. The measure for the machine.
[[noreturn]] void echo(const Fd& listener) {
  constexpr std::size_t answer_size = 150;
  const Fd poller(epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{.events = EPOLLIN, .data = {.fd = listener.get()}};
  epoll_ctl(poller.get(), EPOLL_CTL_ADD, listener.get(), &event);
  std::vector<epoll_event> ready(2048);
  std::vector<int> asked;
  Packet packet;
  const std::string answer(answer_size, 'x');
  for (;;) {
    asked.clear();
    const int count = epoll_wait(poller.get(), ready.data(), static_cast<int>(ready.size()), -1);
    for (int i = 0; i < count; i++) {
      const int fd = ready[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener.get()) {
        event.data.fd = accept4(fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        epoll_ctl(poller.get(), EPOLL_CTL_ADD, event.data.fd, &event);
      } else if (receive_packet(fd, packet, packet_limit) == Received::packet) {
        asked.push_back(fd);
      } else {
        close(fd);
      }
    }
    for (const int fd : asked) {
      (void)send(fd, answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
  }
}

// A virtual machine's host gives it memory as it is touched for the first time, at seven times what
// a page costs afterwards. The journal and the logs take new memory all along: without this, later
// rounds pay for it, and the server that writes nothing does not.
void touch_memory() {
  const auto pages = static_cast<std::size_t>(sysconf(_SC_AVPHYS_PAGES)) / 2;
  const std::size_t size = pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory != MAP_FAILED) munmap(memory, size);
}

struct Measured {
  double rate = 0;    // answers per second
  double p99_us = 0;  // of their latency
};

// Who is asked.
struct Server {
  std::string socket;
  pid_t pid = 0;
  bool logs = false;
};

class Bench {
 public:
  Bench(unsigned clients, double seconds) : seconds_(seconds) {
    const std::string path = host_.directory / "mail.log";
    host_.start();
    control_.emplace(host_.control_socket);
    const Fd log = open_log(path);
    log_.open(path, std::ios::binary);
    const std::string refused = control_->push(make_policy(clients, path), host_.key, {log.get()});
    if (!refused.empty()) {
      std::fprintf(stderr, "policy: %s\n", refused.c_str());
      std::exit(1);
    }
    samples_ = shared<Samples>(clients);
    board_ = shared<Board>(1);
    daemon_ = {host_.question_socket, host_.pid(), true};

    echo_.socket = host_.directory / "echo.sock";
    const auto listener = listen_unix(echo_.socket, 0666, 1024);
    if (!listener || !enable_credentials(listener->get())) std::exit(1);
    echo_.pid = run_as(0, [&]() -> int { echo(*listener); });
  }

  [[nodiscard]] const Server& daemon() const { return daemon_; }
  [[nodiscard]] const Server& echo_server() const { return echo_; }

  // `rate`: questions per second of all clients together; 0: as many as they can.
  Measured run(const char* what, const Server& server, unsigned clients, double rate, bool pinned) {
    std::memset(static_cast<void*>(board_), 0, sizeof *board_);
    const auto interval = std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(rate > 0 ? clients / rate : 0));
    std::vector<pid_t> children;
    for (unsigned i = 0; i < clients; i++) {
      samples_[i].count = samples_[i].asked = samples_[i].refused = 0;
      const Question question = make_question(i, host_.key);
      children.push_back(run_as(first_uid + i, [&] {
        return ask_all_along(server.socket, question, interval, *board_, samples_[i]);
      }));
      if (pinned) place(children.back(), false);
    }
    for (const auto& task :
         std::filesystem::directory_iterator("/proc/" + std::to_string(server.pid) + "/task")) {
      place(static_cast<pid_t>(std::stol(task.path().filename())), pinned);
    }
    while (board_->ready < clients) std::this_thread::sleep_for(std::chrono::milliseconds(1));

    const auto before = thread_times(server.pid);
    const auto begin = Clock::now();
    board_->go = true;
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds_));
    const auto after = thread_times(server.pid);
    const double time = std::chrono::duration<double>(Clock::now() - begin).count();
    std::uint64_t asked_in_time = 0;
    for (unsigned i = 0; i < clients; i++) asked_in_time += samples_[i].asked;
    board_->stop = true;
    for (const pid_t child : children) {
      if (const int status = exit_status(child); status != 0) {
        std::fprintf(stderr, "a client failed: %d\n", status);
        std::exit(1);
      }
    }
    const double p99_us = report(what, clients, time, asked_in_time, before, after);
    if (server.logs) check_log(clients);
    return {static_cast<double>(asked_in_time) / time, p99_us};
  }

 private:
  // The p99 in microseconds.
  double report(const char* what, unsigned clients, double time, std::uint64_t asked_in_time,
                const std::vector<double>& before, const std::vector<double>& after) {
    std::vector<std::uint32_t> all;
    std::uint64_t refused = 0;
    for (unsigned i = 0; i < clients; i++) {
      all.insert(all.end(), samples_[i].nanoseconds, samples_[i].nanoseconds + samples_[i].count);
      refused += samples_[i].refused;
    }
    std::sort(all.begin(), all.end());
    const auto microseconds = [&](double part) {
      if (all.empty()) return 0.0;
      return all[static_cast<std::size_t>(part * static_cast<double>(all.size() - 1))] / 1000.0;
    };
    std::string threads;
    double cpu = 0;
    for (std::size_t i = 0; i < after.size(); i++) {
      const double used = after[i] - (i < before.size() ? before[i] : 0);
      threads += (i == 0 ? "" : "+") + std::to_string(std::lround(100 * used / time));
      cpu += used;
    }
    std::printf("  %-22s %7.0f/s   p50 %7.1f us   p99 %7.1f us   CPU %8s %%   %5.1f us each\n",
                what, static_cast<double>(asked_in_time) / time, microseconds(0.5),
                microseconds(0.99), threads.c_str(),
                1e6 * cpu / static_cast<double>(asked_in_time));
    if (refused > 0) {
      std::printf("  of these %llu were answered busy\n", static_cast<unsigned long long>(refused));
    }
    std::fflush(stdout);
    return microseconds(0.99);
  }

  // Every question that was not refused must have its line, and no other has one but the first
  // refusal of a second.
  void check_log(unsigned clients) {
    for (unsigned i = 0; i < clients; i++)
      lines_expected_ += samples_[i].asked - samples_[i].refused;
    (void)eventually([&] { return count_lines() >= lines_expected_; });
    if (lines_ == lines_expected_) return;
    std::printf("the log has %llu lines instead of %llu\n", static_cast<unsigned long long>(lines_),
                static_cast<unsigned long long>(lines_expected_));
    std::exit(1);
  }

  // Of answers other than busy.
  std::uint64_t count_lines() {
    log_.clear();
    for (std::string rest; std::getline(log_, rest); line_.clear()) {
      line_ += rest;
      if (log_.eof()) break;  // the rest of it is still to come
      if (line_.find(" reason=busy ") == std::string::npos) lines_++;
    }
    return lines_;
  }

  DaemonHost host_;
  std::optional<ControlConnection> control_;
  std::ifstream log_;
  std::string line_;  // what has been read of one
  std::uint64_t lines_ = 0;
  std::uint64_t lines_expected_ = 0;
  const double seconds_;
  Server daemon_;
  Server echo_;
  Samples* samples_ = nullptr;
  Board* board_ = nullptr;
};

// The daemon beside the echo: all at full speed, and at half of what each can.
void compare(Bench& bench, unsigned clients, unsigned rounds) {
  const std::string many = std::to_string(clients) + " clients";
  std::vector<double> rates;
  std::vector<double> tails;
  for (unsigned round = 0; round < rounds; round++) {
    const Measured echo =
        bench.run((many + ", echo alone").c_str(), bench.echo_server(), clients, 0, false);
    const Measured daemon = bench.run(many.c_str(), bench.daemon(), clients, 0, false);
    const double half = std::min(echo.rate, daemon.rate) / 2;
    const Measured echo_half =
        bench.run((many + ", echo, half").c_str(), bench.echo_server(), clients, half, false);
    const Measured daemon_half =
        bench.run((many + ", half of it").c_str(), bench.daemon(), clients, half, false);
    rates.push_back(daemon.rate / echo.rate);
    tails.push_back(daemon_half.p99_us / std::max(echo_half.p99_us, 0.1));
  }
  say_result("the daemon's answers/s, journalled and logged", rates, "at least 0.9",
             "a bare echo server of the same packets");
  say_result("the daemon's p99 at half that rate", tails, "at most 1.5",
             "the echo server at the same rate");
}

int run(unsigned clients, double seconds, unsigned rounds) {
  if (rounds > 1) touch_memory();
  Bench bench(clients, seconds);
  std::printf("placed by the kernel; CPU: answering+names+delivery+store+others\n");
  compare(bench, clients, rounds);
  std::printf("daemon on one core, clients on the others\n");
  const std::string many = std::to_string(clients) + " clients";
  bench.run((many + ", echo alone").c_str(), bench.echo_server(), clients, 0, true);
  bench.run(many.c_str(), bench.daemon(), clients, 0, true);
  bench.run("1 client, echo alone", bench.echo_server(), 1, one_client_rate, true);
  bench.run("1 client", bench.daemon(), 1, one_client_rate, true);
  return 0;
}

}  // namespace

}  // namespace mailorigin::testing

int main(int count, char* arguments[]) {
  unsigned clients = 64;
  unsigned rounds = 5;
  double seconds = 5;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string name = arguments[i];
    if (name == "--clients") clients = static_cast<unsigned>(std::atoi(arguments[i + 1]));
    if (name == "--rounds") rounds = static_cast<unsigned>(std::atoi(arguments[i + 1]));
    if (name == "--seconds") seconds = std::atof(arguments[i + 1]);
  }
  if (count % 2 == 0 || clients == 0 || clients > 1000 || seconds <= 0 || rounds == 0) {
    std::fprintf(stderr, "usage: bench_daemon [--clients N] [--seconds N] [--rounds N]\n");
    return 2;
  }
  return mailorigin::testing::contained(
      [&] { return mailorigin::testing::run(clients, seconds, rounds); });
}
