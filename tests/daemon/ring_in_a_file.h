// The firewall's ring buffer, laid out in a file as the kernel lays it out, and what the
// kernel does to it.
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

inline constexpr std::size_t ring_size = 8192;

// The kernel maps the data twice, so that a record may run over its end; here it
// is written twice.
class Ring {
 public:
  explicit Ring(std::size_t size = ring_size)
      : size_(size), file_(memfd_create("ring", MFD_CLOEXEC)), whole_(2 * page + 2 * size) {
    EXPECT_EQ(0, ftruncate(file_.get(), static_cast<off_t>(whole_)));
    void* memory = mmap(nullptr, whole_, PROT_READ | PROT_WRITE, MAP_SHARED, file_.get(), 0);
    EXPECT_NE(MAP_FAILED, memory);
    memory_ = static_cast<char*>(memory);
  }
  ~Ring() { munmap(memory_, whole_); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // A record with these flags in its head; where it is.
  unsigned long append(std::string_view record, std::uint32_t flags = 0) {
    const unsigned long position = written_;
    std::string bytes(BPF_RINGBUF_HDR_SZ, '\0');
    const auto head = static_cast<std::uint32_t>(record.size()) | flags;
    std::memcpy(bytes.data(), &head, sizeof head);
    bytes += record;
    bytes.resize((bytes.size() + 7) / 8 * 8);
    for (const char byte : bytes) put(written_++, &byte, 1);
    set_written(written_);
    return position;
  }

  // One that was being written is complete, or discarded.
  void end(unsigned long position, std::size_t size, std::uint32_t flags = 0) {
    set_head(position, static_cast<std::uint32_t>(size) | flags);
  }
  void set_head(unsigned long position, std::uint32_t head) { put(position, &head, sizeof head); }

  // Up to where the reader has read: the kernel may write over what is before.
  [[nodiscard]] unsigned long read_to() const {
    unsigned long position = 0;
    std::memcpy(&position, memory_, sizeof position);
    return position;
  }
  void set_read_to(unsigned long position) { std::memcpy(memory_, &position, sizeof position); }
  void set_written(unsigned long position) {
    std::memcpy(memory_ + page, &position, sizeof position);
  }

  [[nodiscard]] daemon::KernelRing map() const {
    auto ring = daemon::KernelRing::map(file_, size_);
    EXPECT_TRUE(ring) << ring.error().message;
    return *std::move(ring);
  }

 private:
  static constexpr std::size_t page = 4096;

  void put(unsigned long position, const void* bytes, std::size_t size) {
    for (const std::size_t copy : {std::size_t{0}, size_}) {
      std::memcpy(memory_ + 2 * page + copy + position % size_, bytes, size);
    }
  }

  std::size_t size_;
  Fd file_;
  std::size_t whole_;
  char* memory_ = nullptr;
  unsigned long written_ = 0;
};

}  // namespace mailorigin::testing
