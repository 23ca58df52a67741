#include "mailorigind/connections/kernel_ring.h"

#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace mailorigin::daemon {

Result<KernelRing> KernelRing::map(const Fd& ring, std::size_t size) {
  KernelRing mapped;
  mapped.size_ = size;
  mapped.page_ = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  void* reader = mmap(nullptr, mapped.page_, PROT_READ | PROT_WRITE, MAP_SHARED, ring.get(), 0);
  if (reader == MAP_FAILED) return system_error("the firewall's ring buffer", errno);
  mapped.read_to_ = static_cast<std::atomic<unsigned long>*>(reader);
  const void* writer = mmap(nullptr, mapped.page_ + 2 * size, PROT_READ, MAP_SHARED, ring.get(),
                            static_cast<off_t>(mapped.page_));
  if (writer == MAP_FAILED) return system_error("the firewall's ring buffer", errno);
  mapped.written_to_ = static_cast<const std::atomic<unsigned long>*>(writer);
  mapped.visited_to_ = mapped.read_to_->load();
  return mapped;
}

KernelRing::KernelRing(KernelRing&& other) noexcept { *this = std::move(other); }

KernelRing& KernelRing::operator=(KernelRing&& other) noexcept {
  std::swap(size_, other.size_);
  std::swap(page_, other.page_);
  std::swap(read_to_, other.read_to_);
  std::swap(written_to_, other.written_to_);
  std::swap(visited_to_, other.visited_to_);
  return *this;
}

KernelRing::~KernelRing() {
  if (read_to_ != nullptr) munmap(read_to_, page_);
  if (written_to_ != nullptr) {
    munmap(const_cast<std::atomic<unsigned long>*>(written_to_), page_ + 2 * size_);
  }
}

void KernelRing::visit(std::size_t limit, const std::function<void(std::string_view)>& visit) {
  constexpr unsigned long alignment = 8;
  const auto* const data = reinterpret_cast<const char*>(written_to_) + page_;
  // What was visited and not taken is visited again.
  visited_to_ = read_to_->load(std::memory_order_relaxed);
  const unsigned long end = written_to_->load(std::memory_order_acquire);
  for (std::size_t i = 0; i < limit && visited_to_ < end; i++) {
    const char* const head = data + (visited_to_ & (size_ - 1));
    const auto* const word = reinterpret_cast<const std::atomic<std::uint32_t>*>(head);
    const std::uint32_t state = word->load(std::memory_order_acquire);
    if ((state & BPF_RINGBUF_BUSY_BIT) != 0) return;  // still being written
    const unsigned long length = state & ~BPF_RINGBUF_DISCARD_BIT;
    const bool discarded = (state & BPF_RINGBUF_DISCARD_BIT) != 0;
    if (!discarded) visit({head + BPF_RINGBUF_HDR_SZ, length});
    visited_to_ += (length + BPF_RINGBUF_HDR_SZ + alignment - 1) / alignment * alignment;
  }
}

void KernelRing::take() { read_to_->store(visited_to_, std::memory_order_release); }

}  // namespace mailorigin::daemon
