// KernelRing: the firewall's ring buffer, read without any capability.
//
// A BPF ring buffer can be mapped by whoever holds its descriptor: the reader's
// position in a page of its own, then the writer's position and the data, which
// follows once more behind its end. Its form is the kernel's: kernel/bpf/ringbuf.c,
// and Documentation/bpf/ringbuf.rst.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>

#include "core/fd.h"
#include "core/result.h"

namespace mailorigin::daemon {

class KernelRing {
 public:
  // `size` is the map's max_entries. Fails if the kernel does not map it: it is
  // no such ring, or one of another size.
  static Result<KernelRing> map(const Fd& ring, std::size_t size);
  KernelRing(KernelRing&& other) noexcept;
  KernelRing& operator=(KernelRing&& other) noexcept;
  ~KernelRing();

  // Calls visit(record) for at most `limit` records that are complete, oldest first.
  // They are valid until take() lets the kernel write over those that were visited.
  void visit(std::size_t limit, const std::function<void(std::string_view)>& visit);
  void take();

 private:
  KernelRing() = default;

  std::size_t size_ = 0;
  std::size_t page_ = 0;
  std::atomic<unsigned long>* read_to_ = nullptr;           // a page of its own
  const std::atomic<unsigned long>* written_to_ = nullptr;  // a page, then the data
  unsigned long visited_to_ = 0;
};

}  // namespace mailorigin::daemon
