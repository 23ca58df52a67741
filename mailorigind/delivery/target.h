// Target: one log, its position in the journal, and what it takes to write each
// event into it once: partial writes, back-off, and the comparison after a crash.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mailorigind/active_policy.h"
#include "mailorigind/delivery/positions.h"
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

  [[nodiscard]] bool has_lines() const { return !units_.empty(); }

  // For a waiting target: when it should be tried again, and the descriptor that
  // poll() may find writable before that (-1: none). retry() makes it catch up
  // if it succeeds.
  [[nodiscard]] std::uint64_t retry_at_ms() const { return retry_at_ms_; }
  [[nodiscard]] int pollable() const;
  void retry_soon();
  bool retry(std::uint64_t now_ms);
  // Its pipe has lost its reader, or it never had a descriptor.
  [[nodiscard]] bool cannot_recover() const;

  // It has handled everything before the common position.
  void caught_up(std::uint64_t common);
  // Gives up the events before `position`, `lost` of which were its own.
  void give_up(std::uint64_t position, std::uint64_t lost);

 private:
  // All lines of one record.
  struct Unit {
    std::uint64_t position;
    std::uint64_t next;
    std::uint64_t time_ms;
    std::size_t begin;  // in lines_
    std::size_t end;
  };

  void store();
  void read_tail(const Position& stored);
  void drop_what_is_there();
  void clear_lines();
  [[nodiscard]] std::string_view next_batch() const;
  int write_batch(std::string_view batch, std::size_t& taken);
  void advance(std::size_t taken);
  void failed(int fault, std::uint64_t now_ms);

  const LogTarget about_;
  const std::string name_;
  const std::uint64_t key_;
  const int facility_;  // of a syslog target
  Positions& positions_;
  service::NoticeBoard& notices_;
  SyslogSocket& syslog_;

  std::shared_ptr<const ActivePolicy> policy_;
  std::size_t index_ = 0;
  int descriptor_ = -1;    // policy_ owns it
  bool regular_ = false;   // a regular file: it has a size, and can be compared
  bool compared_ = false;  // a descriptor was there before: no crash lies between

  State state_ = State::waiting;
  std::uint64_t position_ = 0;
  std::uint64_t end_ = UINT64_MAX;

  std::string lines_;
  std::vector<Unit> units_;
  std::size_t first_unit_ = 0;  // the first one that is not written whole
  std::size_t written_ = 0;     // bytes of lines_

  std::string tail_;  // of the file, behind the stored size, when the daemon began
  std::size_t tail_done_ = 0;
  std::uint64_t tail_begin_ = 0;

  int fault_ = 0;                      // of the last attempt
  std::uint64_t behind_since_ms_ = 0;  // 0: it is not, or nothing has failed
  std::uint64_t retry_after_ms_ = 0;
  std::uint64_t retry_at_ms_ = UINT64_MAX;
  std::uint64_t lost_ = 0;
};

}  // namespace mailorigin::daemon
