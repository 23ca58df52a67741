#include "mod_mailorigin/companion_process.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

namespace mailorigin::httpd {

namespace {

using namespace std::chrono_literals;

constexpr auto stop_step = 10ms;
constexpr int first_handed = 3;  // the LISTEN_FDS protocol begins there
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
  std::vector<Handed> handed;
  std::chrono::seconds delay{};
};

Launch prepare(const Program& program, std::vector<Handed> handed, std::chrono::seconds delay) {
  Launch launch;
  launch.arguments = program.arguments;
  launch.arguments.insert(launch.arguments.begin(), program.path);
  launch.delay = delay;
  std::string names;
  for (const Handed& each : handed) {
    if (!names.empty()) names += ':';
    names += each.name;
  }
  launch.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                        "LISTEN_FDS=" + std::to_string(handed.size()), "LISTEN_FDNAMES=" + names};
  launch.handed = std::move(handed);
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
  const int end = first_handed + static_cast<int>(launch.handed.size());
  for (Handed& each : launch.handed) {
    each.fd = fcntl(each.fd, F_DUPFD, end);
    if (each.fd < 0) return false;
  }
  int place = first_handed;
  for (const Handed& each : launch.handed) {
    if (dup2(each.fd, place++) < 0) return false;
  }
  closefrom(static_cast<unsigned>(end));
  return true;
}

// Runs in the child. httpd's parent has one thread, so nothing is locked here.
[[noreturn]] void become(Launch& launch) {
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

std::string identity(const Program& program) {
  std::string identity;
  struct stat about {};
  if (stat(program.path.c_str(), &about) == 0) {
    for (const auto number :
         {static_cast<long long>(about.st_dev), static_cast<long long>(about.st_ino),
          static_cast<long long>(about.st_mtim.tv_sec),
          static_cast<long long>(about.st_mtim.tv_nsec)}) {
      identity += std::to_string(number) + ' ';
    }
  }
  identity += program.path + '\n';
  for (const std::string& argument : program.arguments) identity += argument + '\n';
  return identity;
}

Result<pid_t> start_process(const Program& program, std::vector<Handed> handed,
                            std::chrono::seconds delay) {
  Launch launch = prepare(program, std::move(handed), delay);
  const pid_t pid = fork();
  if (pid < 0) return system_error("fork", errno);
  if (pid == 0) become(launch);
  return pid;
}

std::optional<int> ended(pid_t process) {
  int status = 0;
  const pid_t found = waitpid(process, &status, WNOHANG);
  if (found == process) return status;
  // Not a child (any more): somebody else has reaped it.
  if (found < 0 && errno == ECHILD) return 0;
  return std::nullopt;
}

bool has_ended(pid_t process) {
  siginfo_t information{};
  return waitid(P_PID, static_cast<id_t>(process), &information, WEXITED | WNOHANG | WNOWAIT) !=
             0 ||
         information.si_pid == process;
}

void stop_process(pid_t process, std::chrono::milliseconds patience) {
  kill(process, SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!ended(process)) {
    if (std::chrono::steady_clock::now() > deadline) {
      kill(process, SIGKILL);
      waitpid(process, nullptr, 0);
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

}  // namespace mailorigin::httpd
