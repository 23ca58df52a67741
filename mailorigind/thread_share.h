// What of the processors each thread of the daemon takes.
#pragma once

namespace mailorigin::daemon {

// The calling thread comes before others' processes, as do those that it begins: everybody waits
// for who answers, also where hundreds of a tenant's processes want the processor. As root, and
// before there are other threads. Where that is not allowed, the unit's Nice= has done it.
void come_first();

// The calling thread, for good: it takes a tenth of what an ordinary process would beside it, and
// gives way at once to whoever wakes. Not nothing (SCHED_IDLE): on a host whose processors are all
// in use it would stand still for seconds, with whatever the kernel has locked for it.
void give_way();

// How ps and top call the calling thread; of 15 bytes at most.
void name_thread(const char* name);

}  // namespace mailorigin::daemon
