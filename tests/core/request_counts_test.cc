#include "core/request_counts.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cstdint>
#include <utility>

namespace mailorigin {
namespace {

Fd copy(int fd) { return Fd(fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

TEST(RequestCounts, WhatChildrenCountIsReadByAnother) {
  auto counted = RequestCounts::make({7, 9});
  ASSERT_TRUE(counted) << counted.error().message;
  const auto read = RequestCounts::read(copy(counted->fd()));
  ASSERT_TRUE(read) << read.error().message;
  for (int child = 0; child < 4; child++) {
    if (fork() == 0) {
      for (std::uint64_t i = 0; i < 1000; i++) counted->count(1, i);
      _exit(0);
    }
  }
  while (wait(nullptr) > 0) {
  }
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ(read->at(0).vhost, 7U);
  EXPECT_EQ(read->at(0).requests, 0U);
  EXPECT_EQ(read->at(1).vhost, 9U);
  EXPECT_EQ(read->at(1).requests, 4000U);
  EXPECT_EQ(read->at(1).sealed_ns, 999U);
  counted->count(1, 5);
  EXPECT_EQ(read->at(1).sealed_ns, 999U) << "of the latest";
}

TEST(RequestCounts, WhoReadsCannotWrite) {
  const auto counted = RequestCounts::make({1});
  ASSERT_TRUE(counted);
  const int fd = counted->fd();
  EXPECT_EQ(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
  EXPECT_NE(write(fd, "x", 1), 1);
  EXPECT_NE(ftruncate(fd, 0), 0);
}

TEST(RequestCounts, MemoryThatCouldShrinkIsRefused) {
  Fd memory(memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(ftruncate(memory.get(), sizeof(RequestCount)), 0);
  EXPECT_FALSE(RequestCounts::read(copy(memory.get())));
  ASSERT_EQ(fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
  EXPECT_TRUE(RequestCounts::read(copy(memory.get())));
  Fd odd(memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(ftruncate(odd.get(), sizeof(RequestCount) + 1), 0);
  ASSERT_EQ(fcntl(odd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
  EXPECT_FALSE(RequestCounts::read(std::move(odd)));
  EXPECT_FALSE(RequestCounts::read(Fd(open("/dev/null", O_RDONLY | O_CLOEXEC))));
  EXPECT_FALSE(RequestCounts::make({}));
}

}  // namespace
}  // namespace mailorigin
