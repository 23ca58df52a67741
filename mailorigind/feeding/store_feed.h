// StoreFeed: from the journal into the store, by a thread of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/policy.h"
#include "mailorigind/journal/journal.h"
#include "mailorigind/journal/retention.h"
#include "service/event_fd.h"
#include "service/notice_board.h"
#include "store/keeper.h"

namespace mailorigin::daemon {

// The name of this state directory's journal, by which a store knows how far it has read
// it: made at the first start, for good.
Result<std::string> journal_name(const std::string& state_directory);

// However long the database takes, or whatever is wrong with it, nobody but this thread
// waits: it looks by itself what there is, and gives way to all others. What it has not got waits
// in the journal; where that is too much, the oldest is lost to the store, and to nobody else.
class StoreFeed final : public JournalConsumer {
 public:
  // References must outlive it. It is a consumer of the journal. SQLite's file is in
  // `state_directory` unless the policy names another.
  StoreFeed(Journal& journal, Retention& retention, service::NoticeBoard& notices,
            std::string state_directory, std::string name_of_journal);
  ~StoreFeed() override;

  void start();
  // By which policy from now on. From any thread. Before the first one nothing is stored.
  void adopt(const StorePolicy& policy);

  // Stores what is waiting, at most until the deadline, and ends the thread. False where
  // the database does not let it go: nothing that it uses may then be destroyed.
  bool finish(std::chrono::steady_clock::time_point deadline);

  // For status. From any thread.
  struct Standing {
    bool wanted = false;
    std::string driver;
    std::string file;     // of SQLite
    std::string trouble;  // empty: none is known
    std::string work;     // what takes long, and how far it is; empty: nothing does
    std::uint64_t retained_days = 0;
  };
  [[nodiscard]] Standing standing();

  // JournalConsumer.
  [[nodiscard]] std::string_view name() const override { return "store"; }
  [[nodiscard]] std::uint64_t position() const override { return position_; }
  [[nodiscard]] std::uint64_t share() const override;
  std::uint64_t lose(const Journal::Segment& segment) override;

 private:
  void run();
  // One round of work; true if there is more to do at once.
  bool turn();
  void take_policy();
  store::Listener listener();
  void note(const store::Migration& step);
  void note_end(const store::Migration& migration, bool done);
  bool connect(std::uint64_t now_ms);
  bool store_next(std::uint64_t now_ms);
  bool remove_older(std::uint64_t now_ms);
  void wait();
  void has_until(std::uint64_t position);
  void forget_findings();
  void tell_of_lost();
  void publish();

  Journal& journal_;
  service::NoticeBoard& notices_;
  const std::string state_directory_;
  const std::string journal_name_;

  JournalReader reader_;
  std::unique_ptr<store::Keeper> keeper_;  // null: Off
  bool connected_ = false;                 // reader_ is where the store is
  std::vector<Event> events_;
  std::uint64_t removal_at_ms_ = 0;

  std::atomic<std::uint64_t> position_{0};
  std::atomic<std::uint64_t> lost_until_{0};  // by lose(); what is before is passed over
  std::atomic<std::uint64_t> lost_{0};        // events, since the last time that it had all
  std::string published_trouble_;
  std::atomic<bool> has_next_policy_{false};
  std::mutex mutex_;  // guards the next two
  std::optional<StorePolicy> next_policy_;
  Standing standing_;
  std::atomic<bool> finishing_{false};
  std::chrono::steady_clock::time_point deadline_;
  service::EventFd woken_;
  std::binary_semaphore ended_{0};
  std::thread thread_;
};

}  // namespace mailorigin::daemon
