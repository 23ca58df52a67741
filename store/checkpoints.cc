#include "store/checkpoints.h"

#include <utility>

#include "store/driver_functions.h"

namespace mailorigin::store {

namespace {

// Pages of 4 KiB. A page that is written many times is written into the file once for all that
// comes in between.
constexpr std::uint64_t pages_between = 4096;    // 16 MiB
constexpr std::uint64_t longest_pages = 32'768;  // 128 MiB

using CommitHook = int(void* self, void* connection, const char* name, int pages);
using SetCommitHook = void*(void* connection, CommitHook* hook, void* self);

SetCommitHook* set_commit_hook() {
  return function_of<SetCommitHook>(sqlite_library, "sqlite3_wal_hook");
}

}  // namespace

Result<std::unique_ptr<Checkpoints>> Checkpoints::start(Database& writer, const std::string& file) {
  SetCommitHook* const set = set_commit_hook();
  if (set == nullptr) return std::unique_ptr<Checkpoints>();
  auto database = Database::open("sqlite3", file);
  if (!database) return database.error();
  std::unique_ptr<Checkpoints> checkpoints(new Checkpoints(writer, *std::move(database)));
  set(checkpoints->writer_, committed, checkpoints.get());
  checkpoints->thread_ = std::thread([self = checkpoints.get()] { self->run(); });
  return checkpoints;
}

Checkpoints::Checkpoints(Database& writer, std::unique_ptr<Database> database)
    : writer_(writer.connection()), database_(std::move(database)) {}

Checkpoints::~Checkpoints() {
  set_commit_hook()(writer_, nullptr, nullptr);
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

int Checkpoints::committed(void* self, void* /*connection*/, const char* /*name*/, int pages) {
  auto& checkpoints = *static_cast<Checkpoints*>(self);
  const std::lock_guard lock(checkpoints.mutex_);
  const auto now = static_cast<std::uint64_t>(pages);
  if (now < checkpoints.pages_) checkpoints.tried_at_ = 0;  // it has begun anew
  checkpoints.pages_ = now;
  if (now >= checkpoints.tried_at_ + pages_between) {
    checkpoints.wanted_ = true;
    checkpoints.changed_.notify_all();
  }
  return 0;
}

void Checkpoints::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return wanted_ || ending_; });
    if (ending_) return;
    wanted_ = false;
    running_ = true;
    tried_at_ = pages_;
    lock.unlock();
    Status done = checkpoint();
    lock.lock();
    last_ = std::move(done);
    running_ = false;
    changed_.notify_all();
  }
}

// As far as readers and the writer let it.
Status Checkpoints::checkpoint() {
  const auto done = database_->select("PRAGMA wal_checkpoint(PASSIVE)");
  if (!done) return done.error();
  return Done{};
}

Status Checkpoints::keep_short() {
  std::unique_lock lock(mutex_);
  const auto is_done = [this] { return !wanted_ && !running_; };
  // Once more than it has been tried at: a reader may keep it long for as long as it reads.
  if (pages_ < longest_pages || (pages_ < tried_at_ + pages_between && is_done())) return Done{};
  changed_.wait(lock, is_done);
  if (pages_ > tried_at_) {
    wanted_ = true;
    changed_.notify_all();
    changed_.wait(lock, is_done);
  }
  return last_;
}

}  // namespace mailorigin::store
