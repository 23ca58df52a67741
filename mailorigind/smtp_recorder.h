// SmtpRecorder: from the firewall's records of connections to events in the
// journal.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/event.h"
#include "core/key.h"
#include "firewall/kernel/layout.h"
#include "mailorigind/active_policy.h"
#include "mailorigind/journal.h"
#include "mailorigind/kernel_ring.h"
#include "mailorigind/moment.h"
#include "mailorigind/stamp.h"
#include "mailorigind/user_names.h"

namespace mailorigin {

class SmtpRecorder {
 public:
  // References must outlive it.
  SmtpRecorder(Journal& journal, UserNames& names) : journal_(journal), names_(names) {}

  void use(std::shared_ptr<const ActivePolicy> policy) { policy_ = std::move(policy); }
  void use(const KeyRing& keys) { keys_ = keys; }

  // Appends what is in the ring to the journal, connections_per_turn at most, and
  // takes it out once it is there. Waits, for name_wait_ms, for names of users.
  // True if something was appended; an error is the journal's.
  Result<bool> record(KernelRing& ring, const Moment& moment);

 private:
  bool waits_for_names(KernelRing& ring, const Moment& moment);
  void append(const mo_smtp_event& connection, const Moment& moment);
  void describe(const mo_smtp_event& connection, const VhostPolicy& vhost, const Moment& moment);
  void describe_context(const mo_smtp_event& connection, const Moment& moment);

  Journal& journal_;
  UserNames& names_;
  std::shared_ptr<const ActivePolicy> policy_;
  std::optional<KeyRing> keys_;
  Stamp stamp_;
  Event event_;
  std::string batch_;
  std::uint64_t waited_ms_ = 0;  // when it began to wait for names the last time
};

}  // namespace mailorigin
