#include "core/request_counts.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <utility>

namespace mailorigin {

namespace {

constexpr std::size_t counts_limit = 1 << 20;
constexpr int fixed_size = F_SEAL_SHRINK | F_SEAL_GROW;

using Number = std::atomic_ref<std::uint64_t>;

std::uint64_t load(std::uint64_t& number) { return Number(number).load(std::memory_order_relaxed); }

}  // namespace

RequestCounts::RequestCounts(Fd memory, void* mapped, std::size_t size)
    : memory_(std::move(memory)), counts_(static_cast<RequestCount*>(mapped)), size_(size) {}

RequestCounts::RequestCounts(RequestCounts&& other) noexcept
    : memory_(std::move(other.memory_)),
      counts_(std::exchange(other.counts_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

RequestCounts& RequestCounts::operator=(RequestCounts&& other) noexcept {
  if (this != &other) {
    unmap();
    memory_ = std::move(other.memory_);
    counts_ = std::exchange(other.counts_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

RequestCounts::~RequestCounts() { unmap(); }

void RequestCounts::unmap() {
  if (counts_ != nullptr) munmap(counts_, size_ * sizeof(RequestCount));
}

Result<RequestCounts> RequestCounts::make(const std::vector<std::uint32_t>& vhosts) {
  if (vhosts.empty() || vhosts.size() > counts_limit) return Error{"too many virtual hosts"};
  const std::size_t bytes = vhosts.size() * sizeof(RequestCount);
  Fd memory(memfd_create("mailorigin-requests", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory) return system_error("memfd_create", errno);
  if (ftruncate(memory.get(), static_cast<off_t>(bytes)) != 0) {
    return system_error("cannot size the memory of request counts", errno);
  }
  void* const mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (mapped == MAP_FAILED) return system_error("cannot map the memory of request counts", errno);
  RequestCounts counts(std::move(memory), mapped, vhosts.size());
  for (std::size_t i = 0; i < vhosts.size(); i++) counts.counts_[i].vhost = vhosts[i];
  // This mapping stays writable, and is the last one that is.
  if (fcntl(counts.fd(), F_ADD_SEALS, fixed_size | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) != 0) {
    return system_error("cannot seal the memory of request counts", errno);
  }
  return counts;
}

Result<RequestCounts> RequestCounts::read(Fd memory) {
  // A reader is killed where the memory under it becomes smaller.
  const int seals = fcntl(memory.get(), F_GET_SEALS);
  struct stat about {};
  if (seals < 0 || (seals & fixed_size) != fixed_size || fstat(memory.get(), &about) != 0) {
    return Error{"request counts: it is no memory of a fixed size"};
  }
  const auto bytes = static_cast<std::size_t>(about.st_size);
  if (bytes == 0 || bytes % sizeof(RequestCount) != 0 ||
      bytes / sizeof(RequestCount) > counts_limit) {
    return Error{"request counts: the memory has a size that is not understood"};
  }
  void* const mapped = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, memory.get(), 0);
  if (mapped == MAP_FAILED) return system_error("cannot map the request counts", errno);
  return RequestCounts(std::move(memory), mapped, bytes / sizeof(RequestCount));
}

void RequestCounts::count(std::size_t index, std::uint64_t sealed_ns) {
  RequestCount& mine = counts_[index];
  Number(mine.requests).fetch_add(1, std::memory_order_relaxed);
  const Number latest(mine.sealed_ns);
  std::uint64_t before = latest.load(std::memory_order_relaxed);
  while (before < sealed_ns &&
         !latest.compare_exchange_weak(before, sealed_ns, std::memory_order_relaxed)) {
  }
}

RequestCount RequestCounts::at(std::size_t index) const {
  RequestCount& one = counts_[index];
  return {one.vhost, 0, load(one.requests), load(one.sealed_ns)};
}

}  // namespace mailorigin
