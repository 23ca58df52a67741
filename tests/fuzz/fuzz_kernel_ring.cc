// Any bytes as a ring buffer, its positions as well, read again and again while records
// that were being written are completed: what is given lies in the ring, and what was
// taken is not given again.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string_view>

#include "mailorigind/connections/kernel_ring.h"

using namespace mailorigin;
using mailorigin::daemon::KernelRing;

namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t ring_size = page;

// The reader's position, the writer's, and the data twice, as the kernel maps it.
struct Memory {
  Fd file{memfd_create("ring", MFD_CLOEXEC)};

  void put(std::size_t at, const void* bytes, std::size_t size) const {
    if (pwrite(file.get(), bytes, size, static_cast<off_t>(at)) != static_cast<ssize_t>(size)) {
      std::abort();
    }
  }
};

unsigned long number_of(std::string_view bytes) {
  unsigned long number = 0;
  std::memcpy(&number, bytes.data(), std::min(sizeof number, bytes.size()));
  return number;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const Memory memory;
  if (size < 32 || ftruncate(memory.file.get(), 0) != 0 ||
      ftruncate(memory.file.get(), 2 * page + 2 * ring_size) != 0) {
    return 0;
  }
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto next = [&] {
    const unsigned long number = number_of(input);
    input.remove_prefix(std::min(sizeof number, input.size()));
    return number;
  };
  const unsigned long read_to = next();
  unsigned long written = next();
  const std::size_t limit = next() % 64;
  memory.put(0, &read_to, sizeof read_to);
  memory.put(page, &written, sizeof written);
  // The first half is there before, the second one is what becomes of it.
  const std::size_t half = std::min(input.size() / 2, ring_size);
  const auto write = [&](std::string_view bytes) {
    for (const std::size_t copy : {std::size_t{0}, ring_size}) {
      memory.put(2 * page + copy, bytes.data(), bytes.size());
    }
  };
  write(input.substr(0, half));
  auto ring = KernelRing::map(memory.file, ring_size);
  if (!ring) std::abort();
  std::set<const char*> given;
  for (int turn = 0; turn < 4; turn++) {
    std::set<const char*> now;
    std::size_t visits = 0;
    ring->visit(limit, [&](std::string_view record) {
      if (++visits > limit || record.size() > ring_size) std::abort();
      // Read, so that a sanitizer sees where it lies.
      if (std::count(record.begin(), record.end(), '\xff') > static_cast<long>(ring_size)) {
        std::abort();
      }
      if (!now.insert(record.data()).second || given.count(record.data()) != 0) std::abort();
    });
    if (turn % 2 == 1) {
      ring->take();
      given.merge(now);
    }
    if (turn == 1) write(input.substr(half, half));
  }
  return 0;
}
