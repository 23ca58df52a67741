// SmtpRecorder: from the firewall's records of connections to events in the
// journal.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/abi/layout.h"
#include "core/event.h"
#include "core/key.h"
#include "mailorigind/active_policy.h"
#include "mailorigind/asking/user_names.h"
#include "mailorigind/connections/kernel_ring.h"
#include "mailorigind/journal/recording.h"
#include "mailorigind/journal/stamp.h"
#include "mailorigind/judging/judge.h"
#include "mailorigind/moment.h"
#include "mailorigind/queueing/known_connections.h"

namespace mailorigin::daemon {

// What the journal has of records that may still be in the ring: a daemon may end before
// it takes out what it has appended, and what lies behind one that is still being written
// stays there. Whoever maps the ring anew does not append that again. Of so many of the
// newest as the ring has room for.
class JournalledConnections {
 public:
  // For each record of the journal, oldest first.
  void add(std::string_view payload);
  void add(std::uint32_t policy, std::string number);
  [[nodiscard]] bool has(std::uint32_t policy, const std::string& number) const;
  void clear() { records_.clear(); }

 private:
  std::deque<std::pair<std::uint32_t, std::string>> records_;  // whose logs, which connection
};

class SmtpRecorder {
 public:
  // References must outlive it.
  SmtpRecorder(Recording& recording, UserNames& names, KnownConnections& known, const Judge& judge,
               JournalledConnections journalled)
      : recording_(recording),
        names_(names),
        known_(known),
        judge_(judge),
        journalled_(std::move(journalled)) {}

  void use(std::shared_ptr<const ActivePolicy> policy) { policy_ = std::move(policy); }
  void use(const KeyRing& keys) { keys_ = keys; }

  // Records what is in the ring, connections_per_turn at most, and takes it out once
  // it is in the journal. Waits, for name_wait_ms, for names of users.
  void record(KernelRing& ring, const Moment& moment);

 private:
  bool waits_for_names(const Moment& moment);
  void append(const mo_smtp_event& connection, const Moment& moment);
  void describe(const mo_smtp_event& connection, const VhostPolicy& vhost, const Moment& moment);
  void describe_context(const mo_smtp_event& connection, const Moment& moment);

  Recording& recording_;
  UserNames& names_;
  KnownConnections& known_;
  const Judge& judge_;  // knows what is blocked
  std::shared_ptr<const ActivePolicy> policy_;
  std::optional<KeyRing> keys_;
  JournalledConnections journalled_;
  Stamp stamp_;
  Event event_;
  std::vector<mo_smtp_event> read_;                           // from the ring, in this turn
  std::vector<std::pair<std::uint32_t, std::string>> added_;  // to the recording, likewise
  std::uint64_t waited_ms_ = 0;  // when it began to wait for names the last time
};

}  // namespace mailorigin::daemon
