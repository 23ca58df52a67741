// KernelRing: the firewall's ring buffer, read without any capability.
//
// A BPF ring buffer can be mapped by whoever holds its descriptor: the reader's
// position in a page of its own, then the writer's position and the data, which
// follows once more behind its end. Its form is the kernel's: kernel/bpf/ringbuf.c,
// and Documentation/bpf/ringbuf.rst.
//
// A record is one process's from its reservation to its end, and Linux may take the
// processor from that process meanwhile, for seconds. So those behind it are read before
// it, and it when it is complete. The reader's position stays at the oldest of those that
// are left behind: until then the kernel writes over nothing from there on.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

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

  // Calls visit(record) for at most `limit` records that are complete and have not been
  // taken, oldest first. They are valid until take(). Where a length is not the kernel's
  // own, what was written up to now is passed over.
  void visit(std::size_t limit, const std::function<void(std::string_view)>& visit);
  // Does not give again what the last visit() gave; lets the kernel write over what is
  // before all records that are still being written. Whoever maps the ring anew is given
  // what lies behind one of them again. True if nothing of what there was at that visit()
  // is left, and so would be given to nobody again.
  bool take();

 private:
  KernelRing() = default;

  // Up to where all records have been seen, and which of them, in order, were still being
  // written: one for each process that is at it, and no more than the ring has room for.
  struct Progress {
    unsigned long seen_to = 0;
    std::vector<unsigned long> left_behind;
  };

  [[nodiscard]] std::uint32_t state_at(unsigned long position) const;
  [[nodiscard]] std::string_view record_at(unsigned long position, std::uint32_t state) const;

  std::size_t size_ = 0;
  std::size_t page_ = 0;
  std::atomic<unsigned long>* read_to_ = nullptr;           // a page of its own
  const std::atomic<unsigned long>* written_to_ = nullptr;  // a page, then the data
  Progress taken_;
  Progress visited_;
  unsigned long written_at_visit_ = 0;
};

}  // namespace mailorigin::daemon
