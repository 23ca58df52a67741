#include "mailorigind/judging/process.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "mailorigind/judging/request_bindings.h"
#include "mailorigind/limits.h"

namespace mailorigin::daemon {
namespace {

// A /proc of our own making.
class FakeProc : public ::testing::Test {
 protected:
  FakeProc() {
    char name[] = "/tmp/mailorigin-proc-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~FakeProc() override { std::filesystem::remove_all(path_); }

  void add(pid_t pid, pid_t parent, uid_t uid, std::uint64_t start,
           const std::string& command = "php) R 1 (") {
    const std::string directory = path_ + "/" + std::to_string(pid);
    const std::string first_thread = directory + "/task/" + std::to_string(pid);
    std::filesystem::create_directories(first_thread);
    // The process's own, whose cost grows with its threads, is not there.
    std::ofstream stat(first_thread + "/stat");
    stat << pid << " (" << command << ") S " << parent;
    for (int field = 5; field < 22; field++) stat << " 0";
    stat << ' ' << start << " 0 0\n";
    // Nor is status, whose cost grows with the process's groups.
    owned_ = chown(directory.c_str(), uid, uid) == 0 && owned_;
  }

  std::string path_;
  bool owned_ = true;
};

TEST_F(FakeProc, FollowsAncestorsOfTheSameUidOnly) {
  add(1, 0, 0, 1);
  add(100, 1, 0, 10);
  add(200, 100, 1001, 20);
  add(300, 200, 1001, 30);
  if (!owned_) GTEST_SKIP() << "takes root";
  const std::vector<Process> expected = {{300, 30}, {200, 20}};
  EXPECT_EQ(lineage(300, 1001, path_), expected);
}

TEST_F(FakeProc, APidThatIsAnotherUsersByNowIsNotTheAskers) {
  add(1, 0, 0, 1);
  add(300, 1, 1002, 30);
  if (!owned_) GTEST_SKIP() << "takes root";
  const std::vector<Process> expected = {{300, 0}};
  EXPECT_EQ(lineage(300, 1001, path_), expected);
}

TEST_F(FakeProc, StopsBeforePid1AndAtTheDepthLimit) {
  add(1, 0, 0, 1);
  for (int i = 2; i < 40; i++) add(i, i - 1, 0, static_cast<std::uint64_t>(i));
  if (!owned_) GTEST_SKIP() << "takes root";
  const auto chain = lineage(39, 0, path_);
  EXPECT_EQ(chain.size(), lineage_depth + 1);
  EXPECT_EQ(lineage(3, 0, path_).back().pid, 2);
}

TEST_F(FakeProc, AProcessThatIsGoneIsItsPidAlone) {
  const std::vector<Process> expected = {{77, 0}};
  EXPECT_EQ(lineage(77, 0, path_), expected);
  EXPECT_FALSE(processes_visible(path_));
}

TEST_F(FakeProc, SurvivesFilesThatBreakOff) {
  std::filesystem::create_directories(path_ + "/5/task/5");
  for (const char* text : {"", "5", "5 (php", "5 (php)", "5 (php) S", "5 (php) S x 0",
                           "5 (php) S 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"}) {
    std::ofstream(path_ + "/5/task/5/stat") << text;
    EXPECT_EQ(lineage(5, 0, path_).at(0).start, 0u) << text;
  }
}

TEST(Lineage, OfAProcessThatIsNotDumpableIsKnown) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t worker = fork();
  if (worker == 0) {
    prctl(PR_SET_DUMPABLE, 0);
    const pid_t child = fork();
    if (child == 0) pause();
    (void)!write(ready[1], &child, sizeof child);
    waitpid(child, nullptr, 0);
    _exit(0);
  }
  pid_t child = 0;
  ASSERT_EQ(read(ready[0], &child, sizeof child), static_cast<ssize_t>(sizeof child));
  const auto chain = lineage(child, getuid());
  kill(child, SIGKILL);
  waitpid(worker, nullptr, 0);
  close(ready[0]);
  close(ready[1]);
  ASSERT_GE(chain.size(), 3u);
  EXPECT_EQ(chain[1].pid, worker);
}

TEST(Lineage, OfARealChildContainsItsParent) {
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  const auto own = lineage(getpid(), getuid());
  const auto of_child = lineage(child, getuid());
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  ASSERT_GE(of_child.size(), 2u);
  EXPECT_EQ(of_child[0].pid, child);
  EXPECT_EQ(of_child[1], own[0]);
  EXPECT_GT(own[0].start, 0u);
  EXPECT_TRUE(processes_visible());
}

constexpr uid_t shop = 1001;

Ulid request(std::uint8_t number) {
  Ulid ulid;
  ulid.bytes[15] = number;
  return ulid;
}

TEST(RequestBindings, AdmitTheFirstProcessAndItsRelatives) {
  RequestBindings bindings;
  const Process worker{100, 1};
  const Process child{200, 2};
  const Process sibling{300, 3};
  const Process stranger{400, 4};
  ASSERT_TRUE(bindings.admit(request(1), shop, {child, worker}, 0));
  EXPECT_TRUE(bindings.admit(request(1), shop, {child, worker}, 0));
  EXPECT_TRUE(bindings.admit(request(1), shop, {worker}, 0));
  EXPECT_TRUE(bindings.admit(request(1), shop, {sibling, worker}, 0));
  EXPECT_TRUE(bindings.admit(request(1), shop, {{500, 5}, child}, 0));
  EXPECT_FALSE(bindings.admit(request(1), shop, {stranger}, 0));
  EXPECT_FALSE(bindings.admit(request(1), shop, {{100, 99}}, 0)) << "the worker's pid, used again";
  EXPECT_TRUE(bindings.admit(request(2), shop, {stranger}, 0));
}

TEST(RequestBindings, ForgetAfterADayAndWhenThereAreTooMany) {
  RequestBindings bindings;
  ASSERT_TRUE(bindings.admit(request(1), shop, {{1, 1}}, 0));
  ASSERT_TRUE(bindings.admit(request(2), shop, {{1, 1}}, request_memory_ms));
  ASSERT_TRUE(bindings.admit(request(3), shop, {{1, 1}}, request_memory_ms + 1));
  EXPECT_EQ(bindings.size(), 2u);
  for (std::uint64_t i = 0; i < requests_bound + 10; i++) {
    Ulid ulid;
    for (std::size_t byte = 0; byte < 8; byte++) {
      ulid.bytes[byte] = static_cast<std::uint8_t>(i >> (8 * byte));
    }
    bindings.admit(ulid, static_cast<uid_t>(i), {{1, 1}}, request_memory_ms);
  }
  EXPECT_EQ(bindings.size(), requests_bound);
}

TEST(RequestBindings, WhoeverShowsManyPushesOutNobodyElses) {
  constexpr uid_t blog = 1002;
  RequestBindings bindings;
  ASSERT_TRUE(bindings.admit(request(1), blog, {{1, 1}}, 0));
  for (std::uint64_t i = 0; i < requests_bound; i++) {
    Ulid ulid;
    std::memcpy(ulid.bytes.data(), &i, sizeof i);
    ASSERT_TRUE(bindings.admit(ulid, shop, {{2, 2}}, 1));
  }
  EXPECT_FALSE(bindings.admit(request(1), blog, {{3, 3}}, 2)) << "it is still the first one's";
  EXPECT_LE(bindings.size(), requests_bound / 4 + 1);
  for (std::uint8_t i = 2; i < 100; i++) {
    EXPECT_TRUE(bindings.admit(request(i), blog, {{1, 1}}, 3));
    EXPECT_FALSE(bindings.admit(request(i), blog, {{3, 3}}, 3));
  }
}

}  // namespace
}  // namespace mailorigin::daemon
