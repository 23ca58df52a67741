// A tenant that hammers mailorigind with many processes, for neighbours.py.
//
//   bench_flood SOCKET UID PROCESSES SECONDS
//
// Each process asks as fast as it is answered. Prints how many questions there
// were, and how many of them were answered busy.
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "bench/load.h"
#include "core/name_values.h"

namespace mailorigin::testing {

namespace {

int flood(const std::string& socket, uid_t uid, unsigned processes, unsigned seconds) {
  auto* const board = shared<Board>(1);
  auto* const samples = shared<Samples>(processes);
  // No context that counts: what it says about itself is enough to ask.
  Question question = make_question(0, SealKey::generate());
  std::vector<pid_t> children;
  for (unsigned i = 0; i < processes; i++) {
    children.push_back(
        run_as(uid, [&] { return ask_all_along(socket, question, {}, *board, samples[i]); }));
  }
  board->go = true;
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  board->stop = true;
  std::uint64_t asked = 0;
  std::uint64_t refused = 0;
  int failed = 0;
  for (unsigned i = 0; i < processes; i++) {
    failed += exit_status(children[i]) != 0 ? 1 : 0;
    asked += samples[i].asked;
    refused += samples[i].refused;
  }
  std::printf("%llu %llu\n", static_cast<unsigned long long>(asked),
              static_cast<unsigned long long>(refused));
  return failed == 0 ? 0 : 1;
}

}  // namespace

}  // namespace mailorigin::testing

int main(int count, char* arguments[]) {
  using mailorigin::parse_number;
  const auto uid = count == 5 ? parse_number(arguments[2], UINT32_MAX - 1) : std::nullopt;
  const auto processes = count == 5 ? parse_number(arguments[3], 1000) : std::nullopt;
  const auto seconds = count == 5 ? parse_number(arguments[4], 3600) : std::nullopt;
  if (!uid || !processes || !seconds) {
    std::fprintf(stderr, "usage: bench_flood SOCKET UID PROCESSES SECONDS\n");
    return 2;
  }
  return mailorigin::testing::flood(arguments[1], static_cast<uid_t>(*uid),
                                    static_cast<unsigned>(*processes),
                                    static_cast<unsigned>(*seconds));
}
