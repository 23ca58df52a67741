#include "mailorigind/connections/kernel_ring.h"

#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace mailorigin::daemon {

namespace {

constexpr unsigned long alignment = 8;

bool is_busy(std::uint32_t state) { return (state & BPF_RINGBUF_BUSY_BIT) != 0; }
bool is_discarded(std::uint32_t state) { return (state & BPF_RINGBUF_DISCARD_BIT) != 0; }

unsigned long length_of(std::uint32_t state) {
  return state & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
}

// Of the record, its head included. The kernel writes the length before it lets a
// record be seen.
unsigned long room_of(std::uint32_t state) {
  return (length_of(state) + BPF_RINGBUF_HDR_SZ + alignment - 1) / alignment * alignment;
}

}  // namespace

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
  mapped.taken_.seen_to = mapped.read_to_->load();
  mapped.visited_ = mapped.taken_;
  return mapped;
}

KernelRing::KernelRing(KernelRing&& other) noexcept { *this = std::move(other); }

KernelRing& KernelRing::operator=(KernelRing&& other) noexcept {
  std::swap(size_, other.size_);
  std::swap(page_, other.page_);
  std::swap(read_to_, other.read_to_);
  std::swap(written_to_, other.written_to_);
  std::swap(taken_, other.taken_);
  std::swap(visited_, other.visited_);
  std::swap(written_at_visit_, other.written_at_visit_);
  return *this;
}

KernelRing::~KernelRing() {
  if (read_to_ != nullptr) munmap(read_to_, page_);
  if (written_to_ != nullptr) {
    munmap(const_cast<std::atomic<unsigned long>*>(written_to_), page_ + 2 * size_);
  }
}

std::uint32_t KernelRing::state_at(unsigned long position) const {
  const auto* const head = reinterpret_cast<const char*>(written_to_) + page_ + position % size_;
  return reinterpret_cast<const std::atomic<std::uint32_t>*>(head)->load(std::memory_order_acquire);
}

std::string_view KernelRing::record_at(unsigned long position, std::uint32_t state) const {
  const auto* const head = reinterpret_cast<const char*>(written_to_) + page_ + position % size_;
  return {head + BPF_RINGBUF_HDR_SZ, length_of(state)};
}

void KernelRing::visit(std::size_t limit, const std::function<void(std::string_view)>& visit) {
  const unsigned long end = written_to_->load(std::memory_order_acquire);
  written_at_visit_ = end;
  visited_.seen_to = taken_.seen_to;
  visited_.left_behind.clear();
  std::size_t complete = 0;
  const auto see = [&](unsigned long position, std::uint32_t state) {
    if (is_busy(state) || complete == limit) {
      visited_.left_behind.push_back(position);
      return;
    }
    complete++;
    if (!is_discarded(state)) visit(record_at(position, state));
  };
  // Positions that are none of a ring's lead nowhere.
  const unsigned long oldest =
      taken_.left_behind.empty() ? taken_.seen_to : taken_.left_behind.front();
  if (end < taken_.seen_to || end - oldest > size_ || taken_.seen_to % alignment != 0) {
    visited_.seen_to = end;
    return;
  }
  for (const unsigned long position : taken_.left_behind) {
    const std::uint32_t state = state_at(position);
    if (room_of(state) <= end - position) see(position, state);
  }
  while (complete < limit && visited_.seen_to < end) {
    const unsigned long position = visited_.seen_to;
    const std::uint32_t state = state_at(position);
    if (room_of(state) > end - position) {
      visited_.seen_to = end;
      return;
    }
    see(position, state);
    visited_.seen_to += room_of(state);
  }
}

bool KernelRing::take() {
  taken_ = visited_;
  const unsigned long read_to =
      taken_.left_behind.empty() ? taken_.seen_to : taken_.left_behind.front();
  read_to_->store(read_to, std::memory_order_release);
  return read_to == written_at_visit_;
}

}  // namespace mailorigin::daemon
