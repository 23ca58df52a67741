#include "service/thread_share.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/daemon/running_daemon.h"

namespace mailorigin::daemon {
namespace {

using namespace testing;

// As in the daemon: who gives way has become another user by then, and may not come first again.
TEST(ThreadShare, IsGivenUpForGood) {
  const pid_t child = run_as(0, [] {
    service::come_first();
    if (getpriority(PRIO_PROCESS, 0) != -10) return 1;
    if (setuid(tenant) != 0) return 2;
    service::stand_aside();
    if (getpriority(PRIO_PROCESS, 0) != 0 || sched_getscheduler(0) != SCHED_BATCH) return 5;
    service::give_way();
    if (getpriority(PRIO_PROCESS, 0) != 10 || sched_getscheduler(0) != SCHED_BATCH) return 3;
    service::come_first();
    return getpriority(PRIO_PROCESS, 0) == 10 ? 0 : 4;
  });
  EXPECT_EQ(exit_status(child), 0);
}

}  // namespace
}  // namespace mailorigin::daemon
