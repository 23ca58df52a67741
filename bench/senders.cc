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
#include <string>
#include <utility>
#include <vector>

namespace mailorigin::daemon {

namespace {

using Clock = std::chrono::steady_clock;

std::string rare_charsets() {
  std::string from;
  for (int i = 0; i < 60; i++) from += "=?IBM" + std::to_string(1122 + i) + "?q?a?= ";
  return from + "<me@shop.example>";
}

double nanoseconds_each(const std::string& from) {
  const std::vector<std::string> domains = {"shop.example"};
  constexpr int times = 10'000;
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

void run() {
  const std::pair<const char*, std::string> lists[] = {
      {"usual", "\"The Shop\" <orders@shop.example>"},
      {"60 rare charsets", rare_charsets()},
  };
  for (const auto& [what, from] : lists) {
    std::printf("%-18s %5zu bytes %8.0f ns\n", what, from.size(), nanoseconds_each(from));
  }
}

}  // namespace

}  // namespace mailorigin::daemon

int main() { mailorigin::daemon::run(); }
