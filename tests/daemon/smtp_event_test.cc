// The firewall's ring buffer, laid out in a file as the kernel lays it out, and what is
// read from its records.
#include "mailorigind/connections/smtp_event.h"

#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "mailorigind/connections/kernel_ring.h"

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
  ring.visit(limit, [&](std::string_view record) {
    records.emplace_back(record);
    return true;
  });
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

mo_smtp_event an_event() {
  mo_smtp_event event{};
  event.tgid = 7;
  const std::string bytes = "contextfilecaller";
  event.origin.context_size = 7;
  event.origin.file_size = 4;
  event.origin.caller_size = 6;
  std::memcpy(event.origin.bytes, bytes.data(), bytes.size());
  return event;
}

std::string_view bytes_of(const mo_smtp_event& event, std::size_t size = sizeof(mo_smtp_event)) {
  return {reinterpret_cast<const char*>(&event), size};
}

TEST(SmtpEvent, ComesInTwoSizes) {
  const mo_smtp_event event = an_event();
  for (const std::size_t size : {sizeof event, short_smtp_event}) {
    const auto read = smtp_event_of(bytes_of(event, size));
    ASSERT_TRUE(read);
    EXPECT_EQ(7U, read->tgid);
    const OriginParts parts = parts_of(read->origin);
    EXPECT_EQ("context", parts.context);
    EXPECT_EQ("file", parts.file);
    EXPECT_EQ("caller", parts.caller);
  }
  for (const std::size_t size : {std::size_t{0}, short_smtp_event - 1, sizeof event - 1}) {
    EXPECT_FALSE(smtp_event_of(bytes_of(event, size))) << size;
  }
}

TEST(SmtpEvent, SizesThatDoNotFitGiveNothing) {
  mo_smtp_event event = an_event();
  constexpr std::size_t room = sizeof event.origin.bytes;
  event.origin.context_size = 0;
  event.origin.file_size = 100;
  event.origin.caller_size = room - 100;
  EXPECT_EQ(room - 100, parts_of(event.origin).caller.size());
  event.origin.caller_size++;
  EXPECT_TRUE(parts_of(event.origin).file.empty());
  EXPECT_TRUE(parts_of(event.origin).caller.empty());
  event = an_event();
  event.origin.context_size = 0xffff;
  EXPECT_TRUE(parts_of(event.origin).context.empty());
}

TEST(SmtpEvent, AProgramsNamesMayFillTheirPlaces) {
  mo_smtp_event event = an_event();
  EXPECT_EQ("", program_name(event));
  EXPECT_EQ("", program_path(event));
  std::memset(event.comm, 'c', sizeof event.comm);
  EXPECT_EQ(std::string(mo_comm_size, 'c'), program_name(event));
  std::strcpy(event.exe[0], "perl");
  std::strcpy(event.exe[1], "bin");
  EXPECT_EQ("/bin/perl", program_path(event));
  std::memset(event.exe, 'e', sizeof event.exe);
  EXPECT_EQ(std::size_t{mo_exe_parts * (mo_exe_part_size + 1)}, program_path(event).size());
}

}  // namespace
}  // namespace mailorigin::daemon
