// RequestCounts: how many requests of each virtual host PHP has run, in memory that
// httpd's processes write and the daemon reads. It costs a request two memory accesses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/fd.h"
#include "core/result.h"

namespace mailorigin {

struct RequestCount {
  std::uint32_t vhost = 0;  // its id
  std::uint32_t reserved = 0;
  std::uint64_t requests = 0;
  std::uint64_t sealed_ns = 0;  // CLOCK_BOOTTIME of the latest of their contexts
};

class RequestCounts {
 public:
  // For who counts, before it forks.
  static Result<RequestCounts> make(const std::vector<std::uint32_t>& vhosts);
  // For who reads, of a descriptor that was sent; refused unless its size is fixed.
  static Result<RequestCounts> read(Fd memory);

  RequestCounts(RequestCounts&& other) noexcept;
  RequestCounts& operator=(RequestCounts&& other) noexcept;
  RequestCounts(const RequestCounts&) = delete;
  RequestCounts& operator=(const RequestCounts&) = delete;
  ~RequestCounts();

  // `index` is the virtual host's in make().
  void count(std::size_t index, std::uint64_t sealed_ns);

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] RequestCount at(std::size_t index) const;

  // What is sent; a forked process that only counts has no use for it.
  [[nodiscard]] int fd() const { return memory_.get(); }
  void close_descriptor() { memory_.reset(); }

 private:
  RequestCounts(Fd memory, void* mapped, std::size_t size);
  void unmap();

  Fd memory_;
  RequestCount* counts_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace mailorigin
