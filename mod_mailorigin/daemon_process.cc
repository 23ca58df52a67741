#include "mod_mailorigin/daemon_process.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

namespace mailorigin {

namespace {

using namespace std::chrono_literals;

constexpr auto stop_step = 10ms;
constexpr int first_handed = 3;  // the LISTEN_FDS protocol begins there
constexpr std::size_t most_handed = question_sockets_limit + 2;

std::vector<std::string> arguments_of(const DaemonSettings& settings) {
  return {settings.program,
          "--user",
          settings.user,
          "--state-dir",
          settings.state_directory,
          "--runtime-dir",
          settings.runtime_directory};
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

// Everything that the child needs, made before the fork.
struct Launch {
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
  char listen_pid[32] = "LISTEN_PID=";
  int handed[most_handed] = {};
  int count = 0;
  std::chrono::seconds delay{};

  void hand(int fd, const char* name, std::string& names) {
    handed[count++] = fd;
    if (!names.empty()) names += ':';
    names += name;
  }
};

Launch prepare(const Kept& kept, const DaemonSettings& settings, std::chrono::seconds delay) {
  Launch launch;
  launch.arguments = arguments_of(settings);
  launch.delay = delay;
  std::string names;
  for (const KeptSocket& socket : kept.questions) {
    if (socket.fd >= 0) launch.hand(socket.fd, "question", names);
  }
  launch.hand(kept.control.fd, "control", names);
  launch.hand(kept.lifeline_read, "lifeline", names);
  launch.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                        "LISTEN_FDS=" + std::to_string(launch.count), "LISTEN_FDNAMES=" + names};
  return launch;
}

void reset_signals() {
  for (int number = 1; number < NSIG; number++) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// The handed descriptors become 3, 4, ...; standard error stays error_log, and
// everything else of httpd's is closed.
bool arrange_descriptors(Launch& launch) {
  const int null = open("/dev/null", O_RDWR);
  if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0) return false;
  // What one says that is tried every few seconds has been said.
  if (launch.delay > 0s && dup2(null, STDERR_FILENO) < 0) return false;
  // Out of the way first: one may stand where another belongs.
  for (int i = 0; i < launch.count; i++) {
    launch.handed[i] = fcntl(launch.handed[i], F_DUPFD, first_handed + launch.count);
    if (launch.handed[i] < 0) return false;
  }
  for (int i = 0; i < launch.count; i++) {
    if (dup2(launch.handed[i], first_handed + i) < 0) return false;
  }
  closefrom(first_handed + launch.count);
  return true;
}

// Runs in the child. httpd's parent has one thread, so nothing is locked here.
[[noreturn]] void become_daemon(Launch& launch) {
  // Out of httpd's process group: its signals to its children are not meant.
  setpgid(0, 0);
  reset_signals();
  const bool arranged = chdir("/") == 0 && arrange_descriptors(launch);
  // Nothing of httpd's is held any more: its ports may be taken by another.
  if (launch.delay > 0s) std::this_thread::sleep_for(launch.delay);

  char* const digits = launch.listen_pid + std::strlen(launch.listen_pid);
  *std::to_chars(digits, std::end(launch.listen_pid) - 1, getpid()).ptr = '\0';
  std::vector<char*> environment = pointers(launch.environment);
  environment.insert(environment.begin(), launch.listen_pid);
  const std::vector<char*> arguments = pointers(launch.arguments);

  const char* failed = "prepare for";
  if (arranged) {
    failed = "execute";
    execve(arguments[0], arguments.data(), environment.data());
  }
  dprintf(STDERR_FILENO, "MO0113: cannot %s %s: %s\n", failed, arguments[0], strerror(errno));
  _exit(127);
}

extern "C" void wake_up(int) {}

extern "C" apr_status_t sleep_on(void*) {
  // Before this module, and the handler in it, are unmapped.
  sleep_on_in_child();
  return APR_SUCCESS;
}

}  // namespace

std::string daemon_identity(const DaemonSettings& settings) {
  std::string identity;
  struct stat about {};
  if (stat(settings.program.c_str(), &about) == 0) {
    for (const auto number :
         {static_cast<long long>(about.st_dev), static_cast<long long>(about.st_ino),
          static_cast<long long>(about.st_mtim.tv_sec),
          static_cast<long long>(about.st_mtim.tv_nsec)}) {
      identity += std::to_string(number) + ' ';
    }
  }
  for (const std::string& argument : arguments_of(settings)) identity += argument + '\n';
  return identity;
}

Result<pid_t> start_daemon(const Kept& kept, const DaemonSettings& settings,
                           std::chrono::seconds delay) {
  Launch launch = prepare(kept, settings, delay);
  const pid_t pid = fork();
  if (pid < 0) return system_error("fork", errno);
  if (pid == 0) become_daemon(launch);
  return pid;
}

std::optional<int> ended(pid_t daemon) {
  int status = 0;
  const pid_t found = waitpid(daemon, &status, WNOHANG);
  if (found == daemon) return status;
  // Not a child (any more): somebody else has reaped it.
  if (found < 0 && errno == ECHILD) return 0;
  return std::nullopt;
}

bool has_ended(pid_t daemon) {
  siginfo_t information{};
  return waitid(P_PID, static_cast<id_t>(daemon), &information, WEXITED | WNOHANG | WNOWAIT) != 0 ||
         information.si_pid == daemon;
}

void stop_daemon(pid_t daemon, std::chrono::milliseconds patience) {
  kill(daemon, SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!ended(daemon)) {
    if (std::chrono::steady_clock::now() > deadline) {
      kill(daemon, SIGKILL);
      waitpid(daemon, nullptr, 0);
      return;
    }
    std::this_thread::sleep_for(stop_step);
  }
}

std::string wait_status_text(int status) {
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  return "exit status " + std::to_string(WEXITSTATUS(status));
}

void wake_up_for_children(apr_pool_t* pool) {
  struct sigaction present {};
  sigaction(SIGCHLD, nullptr, &present);
  // Another module's handler does the same by being there.
  if (present.sa_handler != SIG_DFL) return;
  struct sigaction action {};
  action.sa_handler = wake_up;
  action.sa_flags = SA_RESTART | SA_NOCLDSTOP;
  sigaction(SIGCHLD, &action, nullptr);
  apr_pool_cleanup_register(pool, nullptr, sleep_on, apr_pool_cleanup_null);
}

void sleep_on_in_child() {
  struct sigaction present {};
  sigaction(SIGCHLD, nullptr, &present);
  if (present.sa_handler == wake_up) signal(SIGCHLD, SIG_DFL);
}

}  // namespace mailorigin
