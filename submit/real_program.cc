#include "submit/real_program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "core/name_values.h"
#include "core/result.h"
#include "submit/streams.h"

namespace mailorigin::submit {

namespace {

Ending system_ending(std::string_view what) {
  return {EX_OSERR, "MO0509: " + system_error(what, errno).message};
}

constexpr const char* passes_variable = "MAILORIGIN_PASSES";

// argv[0] stays what the caller chose: mailq and newaliases are told by it.
[[nodiscard]] Ending execute(const RealProgram& real) {
  std::vector<char*> words;
  words.reserve(real.words.size() + 1);
  for (const std::string& word : real.words) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  setenv(passes_variable, std::to_string(passes() + 1).c_str(), 1);
  execv(real.path.c_str(), words.data());
  return {errno == E2BIG ? EX_OSERR : EX_UNAVAILABLE,
          "MO0510: " + system_error(real.path, errno).message};
}

// In place of standard input.
bool read_from(Fd source) { return dup2(source.get(), STDIN_FILENO) == STDIN_FILENO; }

// What stands in the socket of who hands a message on, until that is done. If that process ends
// with it unread, by whatever, the program has an error (ECONNRESET) behind what came, and no
// end that it would take for the message's.
constexpr std::string_view undone = "-";

// What the caller waits for is the program's, not this process's: it keeps nothing open
// but the message's way, and no signal for the caller's group is for it.
void hand_on(std::string_view begin, const Fd& socket) {
  const auto to = static_cast<unsigned>(socket.get());
  for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) (void)std::signal(number, SIG_IGN);
  close_range(1, to - 1, 0);
  close_range(to + 1, ~0U, 0);
  if (!write_all(socket.get(), begin) || !copy_until_end(STDIN_FILENO, socket.get())) return;
  std::array<char, undone.size()> done;
  (void)read_some(socket.get(), done.data(), done.size());
}

// Who ignores its children's ends is told nothing of them; the program finds that as its caller
// has left it.
class ChildrenAreHeardOf {
 public:
  ChildrenAreHeardOf() : before_(std::signal(SIGCHLD, SIG_DFL)) {}
  ~ChildrenAreHeardOf() { (void)std::signal(SIGCHLD, before_); }
  ChildrenAreHeardOf(const ChildrenAreHeardOf&) = delete;
  ChildrenAreHeardOf& operator=(const ChildrenAreHeardOf&) = delete;

 private:
  void (*const before_)(int);
};

}  // namespace

int passes() {
  const char* const counted = std::getenv(passes_variable);
  if (counted == nullptr) return 0;
  return static_cast<int>(parse_number(counted, passes_limit).value_or(passes_limit));
}

Ending become(const RealProgram& real) { return execute(real); }

Ending become_reading(const RealProgram& real, std::string_view text) {
  Fd memory(memfd_create("message", MFD_CLOEXEC));
  if (!memory || !write_all(memory.get(), text) || lseek(memory.get(), 0, SEEK_SET) != 0 ||
      !read_from(std::move(memory))) {
    return system_ending("the message");
  }
  return execute(real);
}

Ending become_reading_on(const RealProgram& real, std::string_view begin) {
  std::array<int, 2> ends;
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return system_ending("socketpair");
  }
  Fd out(ends[0]);
  Fd in(ends[1]);
  if (!write_all(out.get(), undone)) return system_ending("socketpair");
  {
    const ChildrenAreHeardOf heard_of;
    // The child's own child, so that the program has none that it does not know.
    const pid_t between = fork();
    if (between < 0) return system_ending("fork");
    if (between == 0) {
      const pid_t feeder = fork();
      if (feeder == 0) {
        out.reset();
        (void)std::signal(SIGPIPE, SIG_IGN);
        hand_on(begin, in);
      }
      _exit(feeder < 0 ? 1 : 0);
    }
    in.reset();
    int status = 0;
    while (waitpid(between, &status, 0) < 0 && errno == EINTR) {
    }
    if (status != 0) {
      errno = EAGAIN;
      return system_ending("fork");
    }
  }
  if (!read_from(std::move(out))) return system_ending("socketpair");
  return execute(real);
}

std::variant<Child, Ending> start(const RealProgram& real) {
  std::array<int, 2> to;
  std::array<int, 2> from;
  if (pipe2(to.data(), O_CLOEXEC) != 0) return system_ending("pipe");
  Fd its_input(to[0]);
  Child child;
  child.to.reset(to[1]);
  if (pipe2(from.data(), O_CLOEXEC) != 0) return system_ending("pipe");
  Fd its_output(from[1]);
  child.from.reset(from[0]);
  void (*const before)(int) = std::signal(SIGCHLD, SIG_DFL);
  child.pid = fork();
  if (child.pid < 0) return system_ending("fork");
  if (child.pid > 0) return child;
  (void)std::signal(SIGCHLD, before);
  if (!read_from(std::move(its_input)) || dup2(its_output.get(), STDOUT_FILENO) < 0) {
    _exit(EX_OSERR);
  }
  const Ending why_not = execute(real);
  const std::string line = std::string("mailorigin-sendmail: ") + why_not.text + "\n";
  write_all(STDERR_FILENO, line);
  _exit(why_not.status);
}

void end_like(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) {
    (void)std::signal(WTERMSIG(status), SIG_DFL);
    raise(WTERMSIG(status));
  }
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : EX_OSERR);
}

}  // namespace mailorigin::submit
