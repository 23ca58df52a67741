// A /proc that no other process sees, to look at processes of others through.
//
// Linux locks a directory of /proc for all who see the same instance of it, and everybody may read
// /proc/PID of everybody else's process: who reads it into memory that never comes (a page of a
// file system of its own) holds that lock, and every look below it waits, beyond signals.
#pragma once

#include "core/result.h"

namespace mailorigin {

// Puts an instance of its own on /proc, for this process and what it starts, in a mount namespace
// of its own; what others mount and unmount is seen there still. As root, with CAP_SYS_ADMIN, while
// there is one thread. Well, too, where its unit did that (ProcSubset=pid). Fails as the system
// calls do: /proc is everybody's then. An instance of its own hides no process (hidepid).
Status take_own_procfs();

}  // namespace mailorigin
