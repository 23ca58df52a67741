#include "core/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/fd.h"

namespace mailorigin {
namespace {

constexpr std::size_t limit = 10'000;

Fd file_of(const std::string& bytes) {
  Fd file(memfd_create("file_test", MFD_CLOEXEC));
  EXPECT_EQ(write(file.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  return file;
}

TEST(ReadFile, ReadsAllUpToTheLimit) {
  for (const std::size_t size : {0UL, 1UL, 4095UL, 4096UL, 4097UL, limit}) {
    const std::string bytes(size, 'x');
    const auto read = read_file(file_of(bytes).get(), limit);
    ASSERT_TRUE(read) << size;
    EXPECT_EQ(*read, bytes);
  }
  EXPECT_FALSE(read_file(file_of(std::string(limit + 1, 'x')).get(), limit));
  EXPECT_FALSE(read_file(file_of("x").get(), 0));
}

TEST(NamesIn, AllOfADirectory) {
  const auto names = names_in("/proc/self");
  ASSERT_TRUE(names);
  EXPECT_EQ(std::count(names->begin(), names->end(), "fd"), 1);
  EXPECT_EQ(std::count(names->begin(), names->end(), "."), 0);
  EXPECT_EQ(std::count(names->begin(), names->end(), ".."), 0);
  EXPECT_FALSE(names_in("/proc/self/status"));
}

TEST(ReadFile, ReadsWhatSaysThatItIsEmpty) {
  const auto read = read_file("/proc/self/mountinfo", 1 << 20);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->ends_with('\n'));
  EXPECT_FALSE(read_file("/proc/self/mountinfo", 10));
}

TEST(ReadFile, TakesRegularFilesOnly) {
  EXPECT_FALSE(read_file("/dev/zero", limit));
  EXPECT_FALSE(read_file("/proc/self", limit));
  EXPECT_FALSE(read_file("/proc/self/exe", limit));  // a symbolic link
  EXPECT_FALSE(read_file("/nonexistent", limit));
}

TEST(OpenRegularFile, OpensNothingElse) {
  std::string directory = "/tmp/file_test-XXXXXX";
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  const std::string fifo = directory + "/fifo", file = directory + "/file",
                    link = directory + "/link";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  std::ofstream(file) << "x";
  ASSERT_EQ(symlink(file.c_str(), link.c_str()), 0);
  EXPECT_TRUE(open_regular_file(file, O_NOFOLLOW));
  EXPECT_TRUE(open_regular_file(link, 0));
  EXPECT_FALSE(open_regular_file(link, O_NOFOLLOW));
  EXPECT_FALSE(open_regular_file(directory, 0));
  EXPECT_FALSE(open_regular_file("/dev/null", 0));
  EXPECT_FALSE(open_regular_file("/nonexistent", 0));
  // A writer that waits for somebody who reads goes on waiting.
  EXPECT_FALSE(open_regular_file(fifo, 0));
  std::filesystem::remove_all(directory);
}

TEST(EnsureDirectory, HasItsModeWhateverTheUmaskAndLeavesOneThatIsThere) {
  std::string parent = "/tmp/file_test-XXXXXX";
  ASSERT_NE(mkdtemp(parent.data()), nullptr);
  const std::string directory = parent + "/directory";
  const auto mode = [&] {
    struct stat about {};
    EXPECT_EQ(stat(directory.c_str(), &about), 0);
    return about.st_mode & 07777U;
  };
  const mode_t before = umask(0777);
  EXPECT_TRUE(ensure_directory(directory, 0711));
  umask(before);
  EXPECT_EQ(mode(), 0711U);
  EXPECT_TRUE(ensure_directory(directory, 0700));
  EXPECT_EQ(mode(), 0711U);
  const Status made = ensure_directory(directory + "/not/there", 0711);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find(directory + "/not/there"), std::string::npos);
  std::filesystem::remove_all(parent);
}

}  // namespace
}  // namespace mailorigin
