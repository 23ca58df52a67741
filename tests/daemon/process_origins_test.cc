// The kernel's map of processes, as the daemon reads it: without any capability.
#include "mailorigind/connections/process_origins.h"

#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

namespace mailorigin::daemon {
namespace {

int bpf(bpf_cmd command, bpf_attr& arguments) {
  return static_cast<int>(syscall(SYS_bpf, command, &arguments, sizeof arguments));
}

Fd make_map(std::uint32_t value_size) {
  bpf_attr arguments{};
  arguments.map_type = BPF_MAP_TYPE_HASH;
  arguments.key_size = sizeof(std::uint32_t);
  arguments.value_size = value_size;
  arguments.max_entries = 4;
  return Fd(bpf(BPF_MAP_CREATE, arguments));
}

class ProcessOriginsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "takes root";
    map_ = make_map(sizeof(mo_snapshot));
    ASSERT_TRUE(map_) << "a map cannot be made";
    std::uint32_t pid = 7;
    mo_snapshot snapshot{};
    snapshot.start_ticks = 70;
    snapshot.origin.bytes[0] = 'x';
    bpf_attr arguments{};
    arguments.map_fd = static_cast<std::uint32_t>(map_.get());
    arguments.key = reinterpret_cast<std::uintptr_t>(&pid);
    arguments.value = reinterpret_cast<std::uintptr_t>(&snapshot);
    ASSERT_EQ(0, bpf(BPF_MAP_UPDATE_ELEM, arguments));
  }

  Fd map_;
};

TEST_F(ProcessOriginsTest, FindsWhatIsThere) {
  const auto origins = ProcessOrigins::of(std::move(map_));
  ASSERT_TRUE(origins) << origins.error().message;
  const auto found = origins->find(7);
  ASSERT_TRUE(found);
  EXPECT_EQ(70U, found->start_ticks);
  EXPECT_EQ('x', found->origin.bytes[0]);
  EXPECT_FALSE(origins->find(8));
  EXPECT_FALSE(origins->find(0));
}

TEST_F(ProcessOriginsTest, TakesNoRight) {
  const pid_t child = fork();
  if (child == 0) {
    const bool nobody = setgid(65534) == 0 && setuid(65534) == 0;
    const auto origins = ProcessOrigins::of(std::move(map_));
    _exit(nobody && origins && origins->find(7) && !origins->find(8) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(child, waitpid(child, &status, 0));
  EXPECT_EQ(0, status);
}

TEST_F(ProcessOriginsTest, AMapOfAnotherFormIsRefused) {
  EXPECT_FALSE(ProcessOrigins::of(make_map(sizeof(mo_snapshot) + 8)));
  EXPECT_FALSE(ProcessOrigins::of(make_map(8)));
  EXPECT_FALSE(ProcessOrigins::of(Fd(memfd_create("no map", MFD_CLOEXEC))));
  EXPECT_FALSE(ProcessOrigins::of(Fd()));
}

}  // namespace
}  // namespace mailorigin::daemon
