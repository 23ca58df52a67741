// Delivery: from the journal into the logs, by a thread of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "mailorigind/active_policy.h"
#include "mailorigind/delivery/positions.h"
#include "mailorigind/delivery/syslog_socket.h"
#include "mailorigind/delivery/target.h"
#include "mailorigind/journal/journal.h"
#include "mailorigind/journal/retention.h"
#include "mailorigind/limits.h"
#include "service/event_fd.h"
#include "service/notice_board.h"

namespace mailorigin::daemon {

// Nothing is queued in memory: a log that cannot be written falls behind the
// common reader and reads the journal again from its own position later. All
// logs that catch up share one reader, so that a disk that was full for ten
// thousand of them is not read ten thousand times.
class Delivery final : public JournalConsumer {
 public:
  // References must outlive this. It is a consumer of the journal, and its thread,
  // which every append wakes, tends what is kept.
  Delivery(Journal& journal, Retention& retention, Positions positions,
           service::NoticeBoard& notices, std::string syslog_socket = "/dev/log");
  ~Delivery() override;

  void start();

  // The policy that events are delivered by from now on. From any thread. Before
  // the first one nothing is delivered.
  void adopt(std::shared_ptr<const ActivePolicy> policy);

  // After an append; costs nothing while delivery is awake. From any thread.
  void wake();

  // How far the logs were after the last turn. From any thread.
  struct Backlog {
    struct Log {
      std::string name;
      std::uint64_t position = 0;  // of the first event that it may lack
      bool catching_up = false;    // it is written, from further back
      std::string reason;          // why not, as far as that is known
    };
    std::uint64_t handled = 0;  // the journal before this is done with
    std::size_t count = 0;      // logs that are behind
    std::vector<Log> logs;      // some of them, logs_shown at most
  };
  [[nodiscard]] Backlog backlog();

  // Delivers what can be written, at most until the deadline, and ends the thread.
  // What remains stays in the journal.
  void finish(std::chrono::steady_clock::time_point deadline);

  // One round of work; true if there is more to do at once. For the thread, and
  // for tests that do without it.
  bool turn(std::uint64_t now_ms);

  // JournalConsumer, for the delivery thread.
  [[nodiscard]] std::string_view name() const override { return "logs"; }
  [[nodiscard]] std::uint64_t position() const override;
  std::uint64_t lose(const Journal::Segment& segment) override;

 private:
  using Targets = std::unordered_map<std::uint64_t, std::unique_ptr<Target>>;

  void run();
  void wait();
  bool wait_for_pipes(std::chrono::milliseconds patience);
  [[nodiscard]] bool idle() const;

  void take_policy(std::uint64_t now_ms);
  void retire(std::unique_ptr<Target> target);
  void drop(const Target& target);
  void flush(Target& target, std::uint64_t now_ms);
  bool advance(JournalReader& reader, Target::State members, std::uint64_t now_ms);
  void offer(const JournalReader::Record& record, Target::State members, std::uint64_t now_ms);
  void retry_waiting(std::uint64_t now_ms);
  bool catch_up(std::uint64_t now_ms);
  [[nodiscard]] std::uint64_t handled() const;
  void publish_backlog();
  template <class Visit>
  void each_record(std::uint64_t from, std::uint64_t to, Visit visit);

  Journal& journal_;
  Retention& retention_;
  Positions positions_;
  service::NoticeBoard& notices_;
  SyslogSocket syslog_;

  std::shared_ptr<const ActivePolicy> active_;
  Targets targets_;
  std::vector<Target*> by_index_;  // active_'s targets
  // Logs that are not configured any more but are behind; until they have caught
  // up they are written by the policy that they had last.
  Targets retired_;
  std::vector<Target*> unsettled_;  // all that are not following
  std::vector<Target*> touched_;    // that got lines in this step
  Event event_;                     // that is offered to them

  JournalReader common_;  // of all targets that follow
  JournalReader behind_;  // of all that catch up

  std::mutex mutex_;  // guards next_policy_ and backlog_
  std::shared_ptr<const ActivePolicy> next_policy_;
  Backlog backlog_;
  std::atomic<bool> has_next_policy_{false};
  std::atomic<bool> asleep_{false};
  std::atomic<bool> finishing_{false};
  std::chrono::steady_clock::time_point deadline_;
  service::EventFd woken_;
  std::thread thread_;
};

}  // namespace mailorigin::daemon
