#include "firewall/closer.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <new>
#include <utility>

#include "core/fd.h"
#include "firewall/limits.h"

namespace mailorigin::firewall {

namespace {

enum class Fate : std::uint8_t { open, closed, gone };

// What who closes tells, in memory that it shares with who waits.
class Progress {
 public:
  explicit Progress(std::size_t count) : size_(sizeof(Next) + count) {
    void* const memory =
        mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) next_ = new (memory) Next;
  }
  ~Progress() {
    if (next_ != nullptr) munmap(next_, size_);
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  explicit operator bool() const { return next_ != nullptr; }
  // That nobody has taken yet.
  std::atomic<std::size_t>& next() { return *next_; }
  std::atomic<Fate>& fate(std::size_t i) {
    return reinterpret_cast<std::atomic<Fate>*>(next_ + 1)[i];
  }

 private:
  using Next = std::atomic<std::size_t>;
  static_assert(sizeof(std::atomic<Fate>) == 1);

  std::size_t size_;
  Next* next_ = nullptr;
};

// It keeps nothing of its parent open, whose sockets and locks must not live as long as it may.
void keep_only(int descriptor) {
  const auto kept = static_cast<unsigned>(descriptor);
  if (kept > 3) (void)syscall(SYS_close_range, 3U, kept - 1, 0U);
  (void)syscall(SYS_close_range, kept + 1, ~0U, 0U);
}

void close_in_turn(const std::vector<TcpConnection>& all, Progress& progress) {
  auto diag = SockDiag::open();
  if (!diag) return;
  for (std::size_t i = progress.next()++; i < all.size(); i = progress.next()++) {
    const int fault = diag->destroy(all[i]);
    if (fault == 0) progress.fate(i) = Fate::closed;
    if (fault == ENOENT) progress.fate(i) = Fate::gone;
  }
}

bool fork_one(const std::vector<TcpConnection>& all, Progress& progress) {
  const pid_t child = fork();
  if (child != 0) return child > 0;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  close_in_turn(all, progress);
  _exit(0);
}

// Some at once; more where all of them are kept.
void close_all(const std::vector<TcpConnection>& all, Progress& progress) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return;
  std::size_t forked = 0;
  for (std::size_t before = all.size();;) {
    const std::size_t now = progress.next();
    if (now < all.size() && (forked == 0 || now == before) && forked < closing_processes_limit) {
      for (std::size_t i = 0; i < closing_processes && fork_one(all, progress); i++) forked++;
    }
    before = now;
    // Those that close have the other end.
    if (ends[1] >= 0) close(std::exchange(ends[1], -1));
    pollfd ended{ends[0], 0, 0};
    if (forked == 0 || poll(&ended, 1, static_cast<int>(closing_step.count())) != 0) return;
  }
}

}  // namespace

// A process that closes with others of its own, and what it does so with.
class Closer::Task {
 public:
  explicit Task(const std::vector<TcpConnection>& all) : progress_(all.size()) {
    for (const TcpConnection& each : all) cookies_.push_back(each.cookie);
    int ends[2];
    if (!progress_ || pipe2(ends, O_CLOEXEC) != 0) return;
    ended_ = Fd(ends[0]);
    const Fd open_as_long(ends[1]);
    pid_ = fork();
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    keep_only(open_as_long.get());
    close_all(all, progress_);
    _exit(0);
  }
  ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  // Whether it has ended by then, with all of its own.
  bool ends_within(std::chrono::milliseconds patience) const {
    pollfd ended{ended_.get(), 0, 0};
    return pid_ <= 0 || poll(&ended, 1, static_cast<int>(patience.count())) != 0;
  }
  bool reap() { return pid_ <= 0 || waitpid(pid_, nullptr, WNOHANG) != 0; }

  Fate fate(std::size_t i) { return progress_ ? progress_.fate(i).load() : Fate::open; }
  bool was_tried(std::size_t i) { return progress_ && i < progress_.next(); }
  [[nodiscard]] bool has(std::uint64_t cookie) const {
    return std::find(cookies_.begin(), cookies_.end(), cookie) != cookies_.end();
  }

 private:
  Progress progress_;
  std::vector<std::uint64_t> cookies_;
  Fd ended_;
  pid_t pid_ = -1;
};

Closer::Closer() = default;
Closer::~Closer() = default;

void Closer::reap() {
  std::erase_if(tasks_, [](const std::unique_ptr<Task>& task) { return task->reap(); });
}

Closer::Outcome Closer::close(const std::vector<TcpConnection>& all) {
  reap();
  Outcome outcome;
  if (all.empty()) return outcome;
  std::unique_ptr<Task> task;
  if (tasks_.size() < closers_limit) {
    task = std::make_unique<Task>(all);
    (void)task->ends_within(closing_patience);
  }
  for (std::size_t i = 0; i < all.size(); i++) {
    const Fate fate = task ? task->fate(i) : Fate::open;
    if (fate == Fate::closed) outcome.closed.push_back(all[i]);
    if (fate == Fate::open && task && task->was_tried(i)) outcome.kept_busy.push_back(all[i]);
    if (fate == Fate::open) {
      held_up_.emplace(all[i].cookie, all[i]);
    } else {
      held_up_.erase(all[i].cookie);
    }
  }
  if (task && !task->reap()) tasks_.push_back(std::move(task));
  return outcome;
}

bool Closer::is_being_closed(std::uint64_t cookie) const {
  return std::any_of(tasks_.begin(), tasks_.end(),
                     [&](const std::unique_ptr<Task>& task) { return task->has(cookie); });
}

void Closer::keep(const std::set<std::uint64_t>& cookies) {
  reap();
  std::erase_if(held_up_, [&](const auto& entry) { return !cookies.contains(entry.first); });
}

}  // namespace mailorigin::firewall
