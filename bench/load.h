// What the benchmarks of mailorigind share: the policy of a host, the question of
// a contact form, and processes that ask it.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/harness/daemon.h"

namespace mailorigin::testing {

using Clock = std::chrono::steady_clock;

// The first client's; each has its own, and is the vhost of the same number.
inline constexpr uid_t first_uid = 30'000;
inline constexpr std::size_t samples_per_client = 1 << 19;

// Shared with the clients.
struct Board {
  std::atomic<bool> go;
  std::atomic<bool> stop;
  std::atomic<unsigned> ready;
};
struct Samples {
  std::uint64_t asked;
  std::uint64_t count;  // of `nanoseconds`
  std::uint64_t refused;
  std::uint32_t nanoseconds[samples_per_client];
};

template <class T>
T* shared(std::size_t count) {
  void* memory = mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  return static_cast<T*>(memory);
}

std::string vhost_name(unsigned number);

// As many vhosts, each with a header and all of them in one log. The caller calls
// index() once more when it has changed something.
Policy make_policy(unsigned vhosts, const std::string& log);

// What a worker sends for a message of a contact form.
Question make_question(unsigned client, const SealKey& key);

// One client: connects, waits for the board's go, asks until its stop, one question
// after the other or each `interval`, and notes how long each answer took. 0, or
// what failed: 1 connecting, 2 sending, 3 receiving.
int ask_all_along(const std::string& socket, Question question, Clock::duration interval,
                  Board& board, Samples& samples);

// The value below which a part (0 to 1) of the numbers lies; 0 of none. Sorts them.
double quantile(std::vector<double>& numbers, double part);

}  // namespace mailorigin::testing
