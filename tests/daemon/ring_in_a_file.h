// The firewall's ring buffer, laid out in a file as the kernel lays it out.
#pragma once

#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "core/fd.h"
#include "mailorigind/connections/kernel_ring.h"

namespace mailorigin::testing {

inline constexpr std::size_t page = 4096;
inline constexpr std::size_t ring_size = 2 * page;

// The kernel maps the data twice, so that a record may run over its end; here it
// is written twice.
class Ring {
 public:
  Ring() : file_(memfd_create("ring", MFD_CLOEXEC)) {
    EXPECT_EQ(0, ftruncate(file_.get(), 2 * page + 2 * ring_size));
  }

  void append(std::string_view record, std::uint32_t flags = 0) {
    std::string bytes(BPF_RINGBUF_HDR_SZ, '\0');
    const auto head = static_cast<std::uint32_t>(record.size()) | flags;
    std::memcpy(bytes.data(), &head, sizeof head);
    bytes += record;
    bytes.resize((bytes.size() + 7) / 8 * 8);
    for (const char byte : bytes) {
      const std::size_t at = written_++ % ring_size;
      for (const std::size_t copy : {at, at + ring_size}) put(2 * page + copy, &byte, 1);
    }
    put(page, &written_, sizeof written_);
  }

  [[nodiscard]] daemon::KernelRing map() const {
    auto ring = daemon::KernelRing::map(file_, ring_size);
    EXPECT_TRUE(ring) << ring.error().message;
    return *std::move(ring);
  }

 private:
  void put(std::size_t at, const void* bytes, std::size_t size) {
    ASSERT_EQ(static_cast<ssize_t>(size), pwrite(file_.get(), bytes, size, static_cast<off_t>(at)));
  }

  Fd file_;
  unsigned long written_ = 0;
};

}  // namespace mailorigin::testing
