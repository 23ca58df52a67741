#include "mailorigind/thread_share.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace mailorigin::daemon {

namespace {

constexpr int answering_priority = -10;
constexpr int giving_way_priority = 10;
// Linux 6.12 and newer let a thread finish what it was promised, 1.4 ms or more, before another
// that wakes has the processor. This is the least that it may be promised.
constexpr std::uint64_t shortest_turn_ns = 100'000;

// sched_setattr(2)'s, in its first version.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};

}  // namespace

void come_first() { (void)setpriority(PRIO_PROCESS, 0, answering_priority); }

void give_way() {
  (void)setpriority(PRIO_PROCESS, 0, giving_way_priority);
  constexpr sched_param none{};
  (void)sched_setscheduler(0, SCHED_BATCH, &none);  // wakes, and takes no other's place
  const SchedulingAttributes short_turns{
      .policy = SCHED_BATCH, .nice = giving_way_priority, .runtime = shortest_turn_ns};
  (void)syscall(SYS_sched_setattr, 0, &short_turns, 0);  // older ones do not know of it
}

void name_thread(const char* name) { (void)pthread_setname_np(pthread_self(), name); }

}  // namespace mailorigin::daemon
