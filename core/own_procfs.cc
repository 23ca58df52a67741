#include "core/own_procfs.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace mailorigin {

namespace {

constexpr const char* proc = "/proc";

// Nothing else shows processes alone: without the boot's id, which is not there, httpd does not
// start.
bool is_of_a_unit() { return access("/proc/sys", F_OK) != 0 && errno == ENOENT; }

Status mount_anew() {
  struct stat everybodys {};
  if (stat(proc, &everybodys) != 0) return system_error(proc, errno);
  if (unshare(CLONE_NEWNS) != 0) return system_error("unshare", errno);
  // What is mounted upon it is not to be seen out there.
  if (mount(nullptr, proc, nullptr, MS_PRIVATE, nullptr) != 0 ||
      mount("proc", proc, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    return system_error("mount", errno);
  }
  struct stat own {};
  if (stat(proc, &own) != 0) return system_error(proc, errno);
  if (own.st_dev == everybodys.st_dev) return Error{"Linux is older than 5.8"};
  return Done{};
}

}  // namespace

Status take_own_procfs() { return is_of_a_unit() ? Status(Done{}) : mount_anew(); }

}  // namespace mailorigin
