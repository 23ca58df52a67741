#include "firewall/older_workers.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <string>

namespace mailorigin::firewall {
namespace {

using namespace std::chrono_literals;

OlderWorkers some(std::size_t of_one_site, std::size_t others, bool observed = true) {
  return {.of_one_site = of_one_site, .others = others, .observed = observed};
}

constexpr uid_t tenant = 61'777;

// What is found of a process that is called like php-fpm's, as `tenant`, whom one site runs as,
// and whose process id is known to be registered or not.
OlderWorkers with_one_worker(bool registered, std::chrono::milliseconds patience = 1min) {
  std::array<int, 2> ready{};
  if (pipe(ready.data()) != 0) return {};
  const pid_t worker = fork();
  if (worker == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "php-fpm9.9");
    if (setresuid(tenant, tenant, tenant) != 0 || write(ready[1], "x", 1) != 1) _exit(1);
    pause();
    _exit(0);
  }
  close(ready[1]);
  char byte = 0;
  const bool there = read(ready[0], &byte, 1) == 1;
  close(ready[0]);
  mo_control control{};
  control.first_loaded_ticks = control.older_until_ticks = UINT64_MAX;
  CompiledPolicy policy;
  policy.accounts[tenant] = {0, 1, 1, {}};
  OlderWorkers found;
  const auto is_registered = [&](std::uint32_t) { return registered; };
  if (there) found = find_older_workers(control, policy, is_registered, patience);
  kill(worker, SIGKILL);
  waitpid(worker, nullptr, 0);
  return found;
}

// The exit status of action() as the first process of a pid namespace with a /proc of its own;
// `impossible` where none can be made.
constexpr int impossible = 77;
int in_pid_namespace(int (*action)()) {
  const pid_t outside = fork();
  if (outside == 0) {
    if (unshare(CLONE_NEWPID | CLONE_NEWNS) != 0) _exit(impossible);
    const pid_t inside = fork();
    if (inside == 0) {
      const bool mounted = mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                           mount("proc", "/proc", "proc", 0, nullptr) == 0;
      _exit(mounted ? action() : impossible);
    }
    int status = 0;
    waitpid(inside, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
  }
  int status = 0;
  waitpid(outside, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

bool says(const OlderWorkers& workers, const std::string& text) {
  return older_workers_text(workers).find(text) != std::string::npos;
}

TEST(OlderWorkers, NoneAreNoNews) { EXPECT_EQ(older_workers_text({}), ""); }

TEST(OlderWorkers, AreSaidToBeMoreWhereTimeIsUp) {
  EXPECT_TRUE(with_one_worker(false).all_seen);
  const OlderWorkers none = with_one_worker(false, 0ms);
  EXPECT_FALSE(none.all_seen);
  EXPECT_EQ(none.all(), 0U);
  OlderWorkers found = some(12, 0);
  found.all_seen = false;
  EXPECT_TRUE(older_workers_text(found).starts_with("at least 12 php-fpm workers are older"));
}

TEST(OlderWorkers, OfOneSiteAreUnderItsRulesAtOnce) {
  EXPECT_EQ(older_workers_text(some(12, 0)),
            "12 php-fpm workers are older than the firewall and have not shown themselves: "
            "12 connect as their user's site may, with verified=false");
}

TEST(OlderWorkers, OthersAreObservedForATime) {
  EXPECT_TRUE(says(some(2, 3), "5 php-fpm workers"));
  EXPECT_TRUE(says(some(2, 3), "2 connect as their user's site may"));
  EXPECT_TRUE(says(some(2, 3), "3 are observed for ten minutes"));
  EXPECT_FALSE(says(some(0, 3, false), "observed"));
  EXPECT_TRUE(says(some(0, 3, false), "3 connect as their user may"));
}

TEST(OlderWorkers, InAContainerNothingMakesThemKnown) {
  OlderWorkers workers = some(12, 0);
  EXPECT_FALSE(says(workers, "container"));
  workers.known_later = false;
  EXPECT_TRUE(says(workers, "in a container with process ids of its own they cannot show"));
}

TEST(OlderWorkers, AreThoseThatTheKernelDoesNotKnow) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to become another user";
  const OlderWorkers found = with_one_worker(false);
  EXPECT_EQ(found.of_one_site, 1U);
  EXPECT_TRUE(found.observed);
  if (!found.known_later) GTEST_SKIP() << "in a container with process ids of its own";
  EXPECT_EQ(with_one_worker(true).of_one_site, 0U);
}

TEST(OlderWorkers, AreNotKnownByTheProcessIdsOfAContainer) {
  const int status = in_pid_namespace([] {
    const OlderWorkers found = with_one_worker(true);
    return !found.known_later && found.of_one_site == 1 ? 0 : 1;
  });
  if (status == impossible) GTEST_SKIP() << "no pid namespace can be made here";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace mailorigin::firewall
