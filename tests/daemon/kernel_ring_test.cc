// The firewall's ring buffer, laid out in a file as the kernel lays it out.
#include "mailorigind/connections/kernel_ring.h"

#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailorigin::daemon {
namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t ring_size = 2 * page;

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

  [[nodiscard]] KernelRing map() const {
    auto ring = KernelRing::map(file_, ring_size);
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

std::vector<std::string> visited(KernelRing& ring, std::size_t limit = 100) {
  std::vector<std::string> records;
  ring.visit(limit, [&](std::string_view record) { records.emplace_back(record); });
  return records;
}

using Records = std::vector<std::string>;

TEST(KernelRing, GivesWhatIsThereUntilItIsTaken) {
  Ring kernel;
  kernel.append("one");
  kernel.append("second");
  KernelRing ring = kernel.map();
  EXPECT_EQ((Records{"one"}), visited(ring, 1));
  EXPECT_EQ((Records{"one", "second"}), visited(ring));
  ring.take();
  EXPECT_EQ(Records{}, visited(ring));
  kernel.append("third");
  EXPECT_EQ((Records{"third"}), visited(ring));
  // Not taken: the next reader has it.
  KernelRing next = kernel.map();
  EXPECT_EQ((Records{"third"}), visited(next));
}

TEST(KernelRing, WaitsForARecordThatIsBeingWritten) {
  Ring kernel;
  kernel.append("one");
  kernel.append("not yet", BPF_RINGBUF_BUSY_BIT);
  kernel.append("three");
  KernelRing ring = kernel.map();
  EXPECT_EQ((Records{"one"}), visited(ring));
}

TEST(KernelRing, PassesOverWhatWasDiscarded) {
  Ring kernel;
  kernel.append("one");
  kernel.append("never mind", BPF_RINGBUF_DISCARD_BIT);
  kernel.append("three");
  KernelRing ring = kernel.map();
  EXPECT_EQ((Records{"one", "three"}), visited(ring));
}

TEST(KernelRing, RunsOverItsEnd) {
  Ring kernel;
  KernelRing ring = kernel.map();
  for (int i = 0; i < 20; i++) {
    const std::string record(1500, static_cast<char>('a' + i));
    kernel.append(record);
    EXPECT_EQ((Records{record}), visited(ring));
    ring.take();
  }
}

TEST(KernelRing, IsNotMappedFromWhatCannotBe) {
  int ends[2];
  ASSERT_EQ(0, pipe(ends));
  const Fd reader(ends[0]);
  const Fd writer(ends[1]);
  const auto ring = KernelRing::map(reader, ring_size);
  ASSERT_FALSE(ring);
  EXPECT_NE(std::string::npos, ring.error().message.find("the firewall's ring buffer"));
}

}  // namespace
}  // namespace mailorigin::daemon
