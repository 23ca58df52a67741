#include "bench/contained.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>

namespace mailorigin::testing {

namespace {

int failed(const char* what) {
  std::fprintf(stderr, "benchmark: %s: %s\n", what, std::strerror(errno));
  return 1;
}

// In this process's mounts alone.
bool show(const std::string& directory, mode_t mode, const char* place) {
  return mkdir(directory.c_str(), mode) == 0 && chmod(directory.c_str(), mode) == 0 &&
         mount(directory.c_str(), place, nullptr, MS_BIND, nullptr) == 0;
}

sigset_t awaited_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&set, number);
  return set;
}

// The exit status of the first process of a pid namespace, with which the kernel ends all others.
int outlive(pid_t first, const sigset_t& signals) {
  int ended_by = 0;
  int status = 0;
  while (waitpid(first, &status, WNOHANG) == 0) {
    const int number = sigwaitinfo(&signals, nullptr);
    if (number < 0 || number == SIGCHLD) continue;
    ended_by = number;
    kill(first, SIGKILL);
  }
  if (ended_by != 0) return 128 + ended_by;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int contained_in(const std::string& directory, const std::function<int()>& work) {
  if (unshare(CLONE_NEWNS | CLONE_NEWPID) != 0) return failed("namespaces of its own");
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      !show(directory + "/run", 0755, "/run") || !show(directory + "/tmp", 01777, "/tmp")) {
    return failed("mounts of its own");
  }
  const sigset_t signals = awaited_signals();
  sigset_t before;
  sigprocmask(SIG_BLOCK, &signals, &before);
  const pid_t first = fork();
  if (first < 0) return failed("fork");
  if (first > 0) return outlive(first, signals);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  // What is looked up there is numbered as this namespace numbers it.
  if (mount("proc", "/proc", "proc", 0, nullptr) != 0) std::exit(failed("a /proc of its own"));
  std::exit(work());
}

}  // namespace

int contained(const std::function<int()>& work) {
  char directory[] = "/var/tmp/mailorigin-bench.XXXXXX";
  if (mkdtemp(directory) == nullptr || chmod(directory, 0755) != 0) return failed(directory);
  const int status = contained_in(directory, work);
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
  return status;
}

}  // namespace mailorigin::testing
