// What is read from the firewall's ring buffer, and when the kernel may write over it.
#include "mailorigind/connections/kernel_ring.h"

#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/daemon/ring_in_a_file.h"

namespace mailorigin::daemon {
namespace {

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

// Visited and taken.
std::vector<std::string> taken(KernelRing& ring, std::size_t limit = 100) {
  auto records = visited(ring, limit);
  ring.take();
  return records;
}

TEST(KernelRing, ReadsPastARecordThatIsBeingWritten) {
  Ring kernel;
  kernel.append("one");
  const auto late = kernel.append("late", BPF_RINGBUF_BUSY_BIT);
  kernel.append("three");
  KernelRing ring = kernel.map();
  EXPECT_EQ((Records{"one", "three"}), visited(ring));
  EXPECT_EQ((Records{"one", "three"}), visited(ring));  // not taken
  EXPECT_FALSE(ring.take());
  EXPECT_EQ(late, kernel.read_to());
  EXPECT_EQ(Records{}, taken(ring));
  const auto end = kernel.append("four");
  EXPECT_EQ((Records{"four"}), taken(ring));
  kernel.end(late, 4);
  EXPECT_EQ((Records{"late"}), visited(ring));
  EXPECT_EQ(late, kernel.read_to());
  EXPECT_TRUE(ring.take());
  EXPECT_LT(end, kernel.read_to());
  EXPECT_EQ(Records{}, taken(ring));
}

TEST(KernelRing, ComesBackToEachThatWasBeingWritten) {
  Ring kernel;
  const auto a = kernel.append("a", BPF_RINGBUF_BUSY_BIT);
  kernel.append("1");
  const auto b = kernel.append("b", BPF_RINGBUF_BUSY_BIT);
  const auto c = kernel.append("c", BPF_RINGBUF_BUSY_BIT);
  kernel.append("2");
  KernelRing ring = kernel.map();
  EXPECT_EQ((Records{"1", "2"}), taken(ring));
  kernel.end(b, 1);
  EXPECT_EQ((Records{"b"}), taken(ring));
  EXPECT_EQ(a, kernel.read_to());
  kernel.end(a, 1, BPF_RINGBUF_DISCARD_BIT);
  EXPECT_EQ(Records{}, taken(ring));
  EXPECT_EQ(c, kernel.read_to());
  kernel.append("3");
  kernel.end(c, 1);
  EXPECT_EQ((Records{"c"}), taken(ring, 1));
  EXPECT_EQ((Records{"3"}), visited(ring));
  EXPECT_TRUE(ring.take());
}

TEST(KernelRing, KeepsItsLimitWhenManyAreCompleteAtOnce) {
  Ring kernel;
  std::vector<unsigned long> busy;
  for (int i = 0; i < 5; i++) busy.push_back(kernel.append("x", BPF_RINGBUF_BUSY_BIT));
  KernelRing ring = kernel.map();
  EXPECT_EQ(Records{}, taken(ring));
  for (const auto position : busy) kernel.end(position, 1);
  EXPECT_EQ(2U, taken(ring, 2).size());
  EXPECT_EQ(busy[2], kernel.read_to());
  EXPECT_EQ(2U, taken(ring, 2).size());
  EXPECT_EQ(1U, taken(ring, 2).size());
  EXPECT_EQ(0U, taken(ring, 2).size());
}

TEST(KernelRing, GivesWhatLiesBehindOneThatIsBeingWrittenToItsNextReader) {
  Ring kernel;
  kernel.append("one");
  const auto late = kernel.append("late", BPF_RINGBUF_BUSY_BIT);
  kernel.append("three");
  KernelRing ring = kernel.map();
  EXPECT_EQ((Records{"one", "three"}), taken(ring));
  KernelRing next = kernel.map();
  EXPECT_EQ((Records{"three"}), taken(next));
  kernel.end(late, 4);
  EXPECT_EQ((Records{"late"}), taken(next));
  KernelRing last = kernel.map();
  EXPECT_EQ(Records{}, taken(last));
}

TEST(KernelRing, RemembersWhereItWasOverTheRingsEnd) {
  Ring kernel;
  KernelRing ring = kernel.map();
  for (int round = 0; round < 20; round++) {
    const std::string record(1500, static_cast<char>('a' + round));
    const auto late = kernel.append(record, BPF_RINGBUF_BUSY_BIT);
    for (int i = 0; i < 4; i++) {
      kernel.append(record);
      EXPECT_EQ((Records{record}), taken(ring));
    }
    EXPECT_EQ(late, kernel.read_to());
    kernel.end(late, record.size());
    EXPECT_EQ((Records{record}), taken(ring));
  }
}

// The ring is full as long as the oldest one is being written: nothing in it is lost.
TEST(KernelRing, HoldsWhatIsThereWhenItIsFull) {
  Ring kernel;
  KernelRing ring = kernel.map();
  const auto late = kernel.append("", BPF_RINGBUF_BUSY_BIT);
  Records all;
  for (std::size_t i = 1; i < ring_size / 16; i++) all.push_back("record" + std::to_string(i % 10));
  for (const auto& record : all) kernel.append(record);
  kernel.append("");
  all.emplace_back();
  EXPECT_EQ(all, taken(ring, ring_size));
  kernel.end(late, 0);
  EXPECT_EQ((Records{""}), visited(ring));
  EXPECT_TRUE(ring.take());
}

TEST(KernelRing, PassesOverWhatNoKernelWrites) {
  Ring kernel;
  const auto late = kernel.append("late", BPF_RINGBUF_BUSY_BIT);
  const auto wrong = kernel.append("wrong");
  kernel.append("behind it");
  KernelRing ring = kernel.map();
  for (const std::uint32_t flags : {0U, 1U << 30, 1U << 31}) {
    kernel.set_head(wrong, 0x3fff'ffff | flags);
    EXPECT_EQ(Records{}, visited(ring));
  }
  EXPECT_FALSE(ring.take());
  kernel.append("next");
  kernel.end(late, 4);
  EXPECT_EQ((Records{"late", "next"}), taken(ring));
}

TEST(KernelRing, IsNotLedOutOfItselfByPositions) {
  for (const unsigned long position : {1UL, 2 * ring_size, 1UL << 40, ~0UL, ~7UL}) {
    Ring kernel;
    kernel.append("one");
    kernel.set_read_to(position);
    KernelRing ring = kernel.map();
    EXPECT_EQ(Records{}, visited(ring));
    EXPECT_TRUE(ring.take());
    kernel.append("two");
    EXPECT_EQ((Records{"two"}), taken(ring));
    kernel.set_written(position);
    EXPECT_EQ(Records{}, taken(ring));
    EXPECT_EQ(position, kernel.read_to());
  }
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
