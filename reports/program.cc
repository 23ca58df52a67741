#include "reports/program.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/fd.h"

namespace mailorigin::reports {

namespace {

constexpr std::size_t complaint_limit = 65'536;

char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
char language[] = "LC_ALL=C";
char* environment[] = {path, language, nullptr};

struct Pipe {
  Fd read, write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return system_error("pipe", errno);
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

std::vector<char*> arguments_of(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  return arguments;
}

// Both at once: it may fill either pipe while the other is read.
void read_both(Fd& printed, Fd& complaint, Finished& done) {
  std::array<pollfd, 2> ends = {{{printed.get(), POLLIN, 0}, {complaint.get(), POLLIN, 0}}};
  std::array<char, 65'536> buffer;
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    if (poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) return;
    for (std::size_t i = 0; i < ends.size(); i++) {
      if (ends[i].fd < 0 || ends[i].revents == 0) continue;
      const ssize_t length = read(ends[i].fd, buffer.data(), buffer.size());
      if (length < 0 && errno == EINTR) continue;
      if (length <= 0) {
        ends[i].fd = -1;
        continue;
      }
      std::string& text = i == 0 ? done.printed : done.complaint;
      const std::size_t limit = i == 0 ? printed_limit : complaint_limit;
      const auto room = limit - std::min(limit, text.size());
      text.append(buffer.data(), std::min(static_cast<std::size_t>(length), room));
    }
  }
}

}  // namespace

Result<Finished> run_program(const std::vector<std::string>& words) {
  auto out = make_pipe();
  auto error = make_pipe();
  if (!out || !error) return system_error("pipe", EMFILE);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out->write.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, error->write.get(), STDERR_FILENO);
  pid_t pid = 0;
  const int fault = posix_spawn(&pid, words[0].c_str(), &actions, nullptr,
                                arguments_of(words).data(), environment);
  posix_spawn_file_actions_destroy(&actions);
  if (fault != 0) return system_error(words[0], fault);
  out->write.reset();
  error->write.reset();
  Finished done;
  read_both(out->read, error->read, done);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  done.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return done;
}

void start_program(const std::vector<std::string>& words) {
  const pid_t between = fork();
  if (between == 0) {
    // Of this one's children it is none: init takes it.
    if (setsid() < 0 || fork() != 0) _exit(0);
    const int nowhere = open("/dev/null", O_RDWR);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(nowhere, fd);
    execve(words[0].c_str(), arguments_of(words).data(), environment);
    _exit(127);
  }
  while (between > 0 && waitpid(between, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace mailorigin::reports
