// QueuedMails: messages in the mail server's queue. Each is matched to its event, by its
// ticket; one that nobody has asked about gets an event, by the connection that it came
// over, or by its user, or by nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/key.h"
#include "core/wire/queueing.h"
#include "mailorigind/active_policy.h"
#include "mailorigind/asking/connection_table.h"
#include "mailorigind/asking/tickets.h"
#include "mailorigind/asking/user_names.h"
#include "mailorigind/connections/firewall_link.h"
#include "mailorigind/journal/journal.h"
#include "mailorigind/journal/recording.h"
#include "mailorigind/journal/stamp.h"
#include "mailorigind/judging/judge.h"
#include "mailorigind/moment.h"
#include "mailorigind/queueing/known_connections.h"

namespace mailorigin::daemon {

class QueuedMails {
 public:
  // References must outlive it.
  QueuedMails(Judge& judge, const Journal& journal, Recording& recording, Tickets& tickets,
              UserNames& names, const KnownConnections& connections, FirewallLink& firewall)
      : judge_(judge),
        journal_(journal),
        recording_(recording),
        tickets_(tickets),
        names_(names),
        connections_(connections),
        firewall_(firewall) {}

  void use(std::shared_ptr<const ActivePolicy> policy) { policy_ = std::move(policy); }
  void use(const KeyRing& keys) { keys_ = keys; }

  // MailOriginMilter's own user.
  [[nodiscard]] bool may_tell(uid_t uid) const;

  struct Answered {
    Answer answer;
    std::optional<std::size_t> record;  // among what is recorded, if there is a new event
    std::optional<Ulid> passed;         // the ticket by which it has passed
  };
  // `user(uid)` gives whoever pays; `asker` is the milter's uid, and pays where nobody is known.
  using Payer = std::function<AskingUser&(uid_t)>;
  Answered answer(const QueuedMail& mail, uid_t asker, const Payer& user, const Moment& moment);
  // The answer that is recorded there; nothing if there is none.
  [[nodiscard]] std::optional<Answer> repeated(std::uint64_t position) const;

 private:
  struct Submitter {
    std::optional<std::uint32_t> uid;
    std::optional<mo_smtp_event> connection;  // in which it came
  };
  [[nodiscard]] Submitter submitter_of(const QueuedMail& mail) const;
  std::optional<Answered> by_ticket(const QueuedMail& mail, const Submitter& submitter, uid_t asker,
                                    const Moment& moment);
  [[nodiscard]] std::string_view account_of(const Event& of_mail) const;
  Answered by_submitter(const QueuedMail& mail, const Submitter& submitter, uid_t asker,
                        const Payer& user, const Moment& moment);
  [[nodiscard]] std::optional<Rule> unrecorded_rule(const QueuedMail& mail, bool is_known,
                                                    std::optional<std::uint32_t> uid) const;
  [[nodiscard]] bool is_trusted(std::optional<std::uint32_t> uid) const;
  void complete_fields(Answer& answer) const;

  Judge& judge_;
  const Journal& journal_;
  Recording& recording_;
  Tickets& tickets_;
  UserNames& names_;
  const KnownConnections& connections_;
  FirewallLink& firewall_;
  std::shared_ptr<const ActivePolicy> policy_;
  std::optional<KeyRing> keys_;
  Stamp stamp_;
};

}  // namespace mailorigin::daemon
