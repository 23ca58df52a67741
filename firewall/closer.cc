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
#include <memory>
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
  explicit Progress(std::size_t count) : size_(sizeof(Head) + count) {
    void* const memory =
        mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) head_ = new (memory) Head;
  }
  ~Progress() {
    if (head_ != nullptr) munmap(head_, size_);
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  explicit operator bool() const { return head_ != nullptr; }
  std::atomic<std::size_t>& next() { return head_->next; }
  std::atomic<std::uint32_t>& turn() { return head_->turn; }
  std::atomic<Fate>& fate(std::size_t i) {
    return reinterpret_cast<std::atomic<Fate>*>(head_ + 1)[i];
  }

 private:
  struct Head {
    std::atomic<std::size_t> next;    // that is being closed
    std::atomic<std::uint32_t> turn;  // whose it is to go on
  };
  static_assert(sizeof(std::atomic<Fate>) == 1);

  std::size_t size_;
  Head* head_ = nullptr;
};

// It keeps nothing of its parent open, whose sockets and locks must not live as long as it may.
void keep_only(int descriptor) {
  const auto kept = static_cast<unsigned>(descriptor);
  if (kept > 3) (void)syscall(SYS_close_range, 3U, kept - 1, 0U);
  (void)syscall(SYS_close_range, kept + 1, ~0U, 0U);
}

void close_from(std::size_t first, const std::vector<TcpConnection>& all, Progress& progress,
                std::uint32_t turn) {
  auto diag = SockDiag::open();
  if (!diag) return;
  for (std::size_t i = first; i < all.size(); i++) {
    // Whoever was kept for too long has been replaced.
    if (progress.turn() != turn) return;
    progress.next() = i;
    const int fault = diag->destroy(all[i]);
    if (fault == 0) {
      progress.fate(i) = Fate::closed;
    } else if (fault == ENOENT) {
      Fate before = Fate::open;
      progress.fate(i).compare_exchange_strong(before, Fate::gone);
    }
  }
  progress.next() = all.size();
}

// Until it has ended (true), or has not gone on for closing_patience.
bool ends(int pipe, Progress& progress) {
  for (std::size_t before = progress.next();;) {
    pollfd ended{pipe, 0, 0};  // nobody has the other end open any more
    if (poll(&ended, 1, static_cast<int>(closing_patience.count())) != 0) return true;
    const std::size_t now = progress.next();
    if (now == before) return false;
    before = now;
  }
}

}  // namespace

Closer::~Closer() { reap(); }

void Closer::reap() {
  std::erase_if(left_behind_, [](pid_t pid) { return waitpid(pid, nullptr, WNOHANG) != 0; });
}

std::vector<TcpConnection> Closer::close(std::vector<TcpConnection> all) {
  reap();
  const std::size_t count = all.size();
  for (const auto& [cookie, each] : held_up_) all.push_back(each);
  held_up_.clear();
  Progress progress(all.size());
  const std::size_t most = std::min(closers_limit, left_behind_.size() + closers_left_at_once);
  for (std::size_t first = 0; progress && first < all.size();) {
    if (left_behind_.size() >= most) break;
    int ends_of_pipe[2];
    if (pipe2(ends_of_pipe, O_CLOEXEC) != 0) break;
    const Fd ours(ends_of_pipe[0]);
    Fd theirs(ends_of_pipe[1]);
    const std::uint32_t turn = ++progress.turn();
    progress.next() = first;
    const pid_t child = fork();
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      keep_only(theirs.get());
      close_from(first, all, progress, turn);
      _exit(0);
    }
    if (child < 0) break;
    theirs.reset();
    const bool ended = ends(ours.get(), progress);
    first = ended ? all.size() : progress.next() + 1;
    left_behind_.insert(child);
  }
  ++progress.turn();
  reap();
  std::vector<TcpConnection> closed;
  for (std::size_t i = 0; i < all.size(); i++) {
    const Fate fate = progress ? progress.fate(i).load() : Fate::open;
    if (fate == Fate::closed && i < count) closed.push_back(all[i]);
    if (fate == Fate::open) held_up_.emplace(all[i].cookie, all[i]);
  }
  return closed;
}

void Closer::forget_all_but(const std::set<std::uint64_t>& open) {
  std::erase_if(held_up_, [&](const auto& entry) { return !open.contains(entry.first); });
}

}  // namespace mailorigin::firewall
