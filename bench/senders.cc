// What MailOriginSender costs on a From that a tenant chose: time to read one.
//
//   bench_senders
//
// 60 encoded words of charsets that only iconv's modules know, the most that a claim
// has room for, against a From that scripts write; medians of nine rounds.
#include "mailorigind/judging/senders.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "bench/result.h"

namespace mailorigin::daemon {

namespace {

using Clock = std::chrono::steady_clock;

std::string rare_charsets() {
  std::string from;
  for (int i = 0; i < 60; i++) from += "=?IBM" + std::to_string(1122 + i) + "?q?a?= ";
  return from + "<me@shop.example>";
}

double nanoseconds_each(const std::string& from, int times) {
  const std::vector<std::string> domains = {"shop.example"};
  std::array<double, 9> rounds{};
  for (double& round : rounds) {
    const auto begin = Clock::now();
    int belong = 0;
    for (int i = 0; i < times; i++) belong += from_belongs_to(from, domains) ? 1 : 0;
    if (belong != times) std::printf("it does not belong: %s\n", from.c_str());
    round = std::chrono::duration<double, std::nano>(Clock::now() - begin).count() / times;
  }
  std::nth_element(rounds.begin(), rounds.begin() + rounds.size() / 2, rounds.end());
  return rounds[rounds.size() / 2];
}

void run(int times) {
  const std::pair<const char*, std::string> lists[] = {
      {"the sender's check, ms: a usual From", "\"The Shop\" <orders@shop.example>"},
      {"the sender's check, ms: 60 rare charsets", rare_charsets()},
  };
  for (const auto& [what, from] : lists) {
    const double each_ns = nanoseconds_each(from, times);
    std::printf("%-18s %5zu bytes %8.0f ns\n", what, from.size(), each_ns);
    testing::say_result(what, {each_ns / 1e6}, "at most 1", "-");
  }
}

}  // namespace

}  // namespace mailorigin::daemon

int main(int count, char* arguments[]) {
  mailorigin::daemon::run(count > 1 ? std::max(1, std::atoi(arguments[1])) : 10'000);
}
