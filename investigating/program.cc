#include "investigating/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "core/fd.h"
#include "investigating/limits.h"

namespace mailorigin::investigating {

namespace {

// Reads to its end; empty: it was stopped before.
Status read_all(int fd, std::string& out) {
  using namespace std::chrono;
  const auto until = steady_clock::now() + seconds(program_seconds);
  std::array<char, 64 << 10> block;
  for (;;) {
    const auto left = duration_cast<milliseconds>(until - steady_clock::now()).count();
    pollfd wait{fd, POLLIN, 0};
    const int ready = left > 0 ? poll(&wait, 1, static_cast<int>(left)) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return Error{"takes longer than " + std::to_string(program_seconds) + " s"};
    const ssize_t length = read(fd, block.data(), block.size());
    if (length < 0 && errno == EINTR) continue;
    if (length <= 0) return Done{};
    out.append(block.data(), static_cast<std::size_t>(length));
    if (out.size() > program_output_limit) return Error{"prints too much"};
  }
}

}  // namespace

Result<std::string> output_of(const std::vector<std::string>& command) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return system_error("pipe", errno);
  const Fd from(ends[0]);
  Fd to(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, to.get(), STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::vector<char*> arguments;
  for (const std::string& each : command) arguments.push_back(const_cast<char*>(each.c_str()));
  arguments.push_back(nullptr);
  char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C";
  char* environment[] = {path, locale, nullptr};
  pid_t pid = 0;
  const int failed =
      posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environment);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return system_error(command[0], failed);
  to.reset();
  std::string out;
  const Status read = read_all(from.get(), out);
  if (!read) kill(pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  if (!read) return read.error().context(command[0]);
  return out;
}

}  // namespace mailorigin::investigating
