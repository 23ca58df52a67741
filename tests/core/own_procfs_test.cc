#include "core/own_procfs.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "core/key.h"

namespace mailorigin {
namespace {

// The exit status of action() in a process of its own; `impossible` where mounts can not be
// changed.
constexpr int impossible = 77;
template <class Action>
int in_a_process(Action action) {
  const pid_t child = fork();
  if (child == 0) _exit(action());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

dev_t instance() {
  struct stat about {};
  return stat("/proc", &about) == 0 ? about.st_dev : 0;
}

// As systemd does for a unit with ProcSubset=pid.
bool has_unit_made_one() {
  return unshare(CLONE_NEWNS) == 0 &&
         mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("proc", "/proc", "proc", 0, "subset=pid") == 0;
}

TEST(OwnProcfs, IsAnotherThanThatOfTheOthersAndShowsThem) {
  const dev_t everybodys = instance();
  const int status = in_a_process([&] {
    if (const Status taken = take_own_procfs(); !taken) {
      return taken.error().message == "unshare: Operation not permitted" ? impossible : 1;
    }
    const std::string others = "/proc/" + std::to_string(getppid()) + "/stat";
    return instance() != everybodys && access(others.c_str(), R_OK) == 0 ? 0 : 2;
  });
  EXPECT_EQ(instance(), everybodys);
  if (status == impossible) GTEST_SKIP() << "needs root, to mount one";
  EXPECT_EQ(status, 0);
}

TEST(OwnProcfs, OfAUnitIsEnough) {
  const int status = in_a_process([] {
    if (!has_unit_made_one()) return impossible;
    const dev_t units = instance();
    return take_own_procfs() && instance() == units ? 0 : 1;
  });
  if (status == impossible) GTEST_SKIP() << "needs root, to mount one";
  EXPECT_EQ(status, 0);
}

TEST(OwnProcfs, OfAUnitHasTheBootsIdFromSystemd) {
  const auto boot = boot_id();
  ASSERT_TRUE(boot);
  const int status = in_a_process([&] {
    if (!has_unit_made_one()) return impossible;
    if (boot_id()) return 1;
    std::string given = *boot;
    given.erase(std::remove(given.begin(), given.end(), '-'), given.end());
    setenv("MAILORIGIN_BOOT_ID", given.c_str(), 1);
    const auto from_systemd = boot_id();
    return from_systemd && *from_systemd == *boot ? 0 : 2;
  });
  if (status == impossible) GTEST_SKIP() << "needs root, to mount one";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace mailorigin
