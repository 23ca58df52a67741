// What of the processors each thread of a service takes.
#pragma once

namespace mailorigin::service {

// The calling thread comes before others' processes, as do those that it begins: everybody waits
// for who answers, also where hundreds of a tenant's processes want the processor. As root, and
// before there are other threads. Where that is not allowed, the unit's Nice= has done it.
void come_first();

// The calling thread, for good: it takes what an ordinary process would beside it, and gives way
// at once to whoever wakes. For work that somebody waits for, but nobody who sends a mail.
void stand_aside();

// The calling thread, for good: a tenth of that. Not nothing (SCHED_IDLE): on a host whose
// processors are all in use it would stand still for seconds, with whatever the kernel has locked
// for it.
void give_way();

// How ps and top call the calling thread; of 15 bytes at most.
void name_thread(const char* name);

}  // namespace mailorigin::service
