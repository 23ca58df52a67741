#include "mailorigind/errands.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include <future>
#include <semaphore>
#include <thread>
#include <utility>
#include <vector>

#include "mailorigind/limits.h"

namespace mailorigin::daemon {
namespace {

using Errand = std::packaged_task<void()>;

TEST(Errands, AreDoneOneAfterTheOtherBesideWhoAddsThem) {
  std::binary_semaphore may_end{0};
  std::vector<int> done;
  std::thread::id of_thread;
  {
    Errands errands{"test"};
    EXPECT_TRUE(errands.add(Errand([&] {
      may_end.acquire();
      done.push_back(1);
      of_thread = std::this_thread::get_id();
    })));
    EXPECT_TRUE(errands.add(Errand([&] { done.push_back(2); }))) << "nobody waits for the first";
    may_end.release();
  }
  EXPECT_EQ(done, (std::vector{1, 2})) << "its end has waited for both";
  EXPECT_NE(of_thread, std::this_thread::get_id());
}

TEST(Errands, TakeNoMoreThanAnOrdinaryProcess) {
  int priority = -1;
  int policy = -1;
  {
    Errands errands{"test"};
    EXPECT_TRUE(errands.add(Errand([&] {
      priority = getpriority(PRIO_PROCESS, 0);
      policy = sched_getscheduler(0);
    })));
  }
  EXPECT_EQ(priority, 0);
  EXPECT_EQ(policy, SCHED_BATCH);
}

TEST(Errands, AreRefusedWhereTooManyWait) {
  std::binary_semaphore begun{0};
  std::binary_semaphore may_end{0};
  Errands errands{"test"};
  EXPECT_TRUE(errands.add(Errand([&] {
    begun.release();
    may_end.acquire();
  })));
  begun.acquire();
  for (std::size_t i = 0; i < errands_at_once; i++) EXPECT_TRUE(errands.add(Errand([] {})));
  EXPECT_FALSE(errands.add(Errand([] {})));
  may_end.release();
}

}  // namespace
}  // namespace mailorigin::daemon
