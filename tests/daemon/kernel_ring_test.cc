// The firewall's ring buffer, as the daemon reads it.
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

#include "tests/daemon/ring_in_a_file.h"

namespace mailorigin::daemon {
namespace {

using testing::page;
using testing::Ring;
using testing::ring_size;

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
