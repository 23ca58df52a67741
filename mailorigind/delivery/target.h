// Target: one log, its position in the journal, and when it is tried again after
// a fault.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "mailorigind/active_policy.h"
#include "mailorigind/delivery/file_tail.h"
#include "mailorigind/delivery/pending_lines.h"
#include "mailorigind/delivery/positions.h"
#include "mailorigind/delivery/sink.h"
#include "mailorigind/delivery/syslog_socket.h"
#include "mailorigind/journal/journal.h"
#include "service/notice_board.h"

namespace mailorigin::daemon {

// For the delivery thread. What it refers to must outlive it.
class Target {
 public:
  enum class State : std::uint8_t {
    following,    // has all that the common reader has passed
    catching_up,  // is further back and reads on from its own position
    waiting,      // can not be written: no descriptor yet, or a fault; retried
  };

  // Takes up where `positions` says, or at the common position. Waiting at first.
  Target(LogTarget about, Positions& positions, service::NoticeBoard& notices,
         SyslogSocket& syslog);

  static std::uint64_t key(const LogTarget& about);
  [[nodiscard]] std::uint64_t key() const { return key_; }
  // As MailOriginLog has it: a path, "|command", or "syslog:facility".
  [[nodiscard]] const std::string& name() const { return name_; }

  // Writes to this policy's descriptor from now on, and holds the policy.
  void use(std::shared_ptr<const ActivePolicy> policy, std::size_t index, std::uint64_t now_ms);
  [[nodiscard]] const ActivePolicy& policy() const { return *policy_; }
  [[nodiscard]] std::size_t index() const { return index_; }
  // No policy names it any more: it gets what is before that position, by the
  // policy that it had last.
  void retire(std::uint64_t end) { end_ = end; }
  [[nodiscard]] std::uint64_t end() const { return end_; }
  // Whether its policy routes that vhost's events here.
  [[nodiscard]] bool takes(std::uint32_t vhost) const;

  [[nodiscard]] State state() const { return state_; }
  // Every record before it has been handled, and none behind it but those that
  // are not this target's.
  [[nodiscard]] std::uint64_t position() const { return position_; }

  // Adds the line of an event, unless it has been handled, or comes after the end.
  void add(const JournalReader::Record& record, const Event& event, const Format& format);
  [[nodiscard]] bool full() const;
  // Writes what was added. False if it could not be: then the target is waiting,
  // its position is that of the first event that is not written, and the others
  // have to be added again.
  bool flush(std::uint64_t now_ms);

  // Why it is waiting; empty if it is not, or has only just begun to.
  [[nodiscard]] std::string trouble() const;

  [[nodiscard]] bool has_lines() const { return !lines_.empty(); }

  // For a waiting target: when it should be tried again, and the descriptor that
  // poll() may find writable before that (-1: none). retry() makes it catch up
  // if it succeeds.
  [[nodiscard]] std::uint64_t retry_at_ms() const { return retry_at_ms_; }
  [[nodiscard]] int pollable() const;
  void retry_soon();
  bool retry(std::uint64_t now_ms);
  // Its pipe has lost its reader, its file was deleted, or it never had a descriptor.
  [[nodiscard]] bool cannot_recover() const;

  // It has handled everything before the common position.
  void caught_up(std::uint64_t common);
  // Gives up the events before `position`, `lost` of which were its own.
  void give_up(std::uint64_t position, std::uint64_t lost);

 private:
  void store();
  void reached(std::uint64_t position);
  void failed(int fault, std::uint64_t now_ms);

  const LogTarget about_;
  const std::string name_;
  const std::uint64_t key_;
  Positions& positions_;
  service::NoticeBoard& notices_;
  SyslogSocket& syslog_;

  std::shared_ptr<const ActivePolicy> policy_;
  std::size_t index_ = 0;
  std::unique_ptr<Sink> sink_;  // null: httpd has not handed it over
  bool compared_ = false;       // there was one before: no crash lies between

  State state_ = State::waiting;
  std::uint64_t position_ = 0;
  std::uint64_t end_ = UINT64_MAX;

  PendingLines lines_;
  FileTail tail_;

  int fault_ = 0;                      // of the last attempt
  std::uint64_t behind_since_ms_ = 0;  // 0: it is not, or nothing has failed
  std::uint64_t retry_after_ms_ = 0;
  std::uint64_t retry_at_ms_ = UINT64_MAX;
  std::uint64_t lost_ = 0;
};

}  // namespace mailorigin::daemon
