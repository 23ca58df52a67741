#include "service/thread_share.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace mailorigin::service {

namespace {

constexpr int answering_priority = -10;
constexpr int ordinary_priority = 0;
constexpr int giving_way_priority = 10;
// Linux 6.12 and newer let a thread finish what it was promised, 1.4 ms or more, before another
// that wakes has the processor. This is the least that it may be promised.
constexpr std::uint64_t shortest_turn_ns = 100'000;
// The most: whoever is promised less comes first when it wakes. With the least, a thread at nice 0
// had the answering one, which woke, wait ten times as long.
constexpr std::uint64_t longest_turn_ns = 100'000'000;

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

void let_first(int priority, std::uint64_t turn_ns) {
  (void)setpriority(PRIO_PROCESS, 0, priority);
  constexpr sched_param none{};
  (void)sched_setscheduler(0, SCHED_BATCH, &none);  // wakes, and takes no other's place
  const SchedulingAttributes attributes{
      .policy = SCHED_BATCH, .nice = priority, .runtime = turn_ns};
  (void)syscall(SYS_sched_setattr, 0, &attributes, 0);  // older ones do not know of it
}

}  // namespace

void come_first() { (void)setpriority(PRIO_PROCESS, 0, answering_priority); }

void stand_aside() { let_first(ordinary_priority, longest_turn_ns); }

void give_way() { let_first(giving_way_priority, shortest_turn_ns); }

void name_thread(const char* name) { (void)pthread_setname_np(pthread_self(), name); }

}  // namespace mailorigin::service
