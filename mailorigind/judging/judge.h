// Judge: from a question to its answer and its event, with all that has to be
// remembered between questions.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/abi/layout.h"
#include "core/blocks.h"
#include "core/context.h"
#include "core/key.h"
#include "core/unix_socket.h"
#include "core/wire/asking.h"
#include "mailorigind/active_policy.h"
#include "mailorigind/asking/quota.h"
#include "mailorigind/asking/vhost_quotas.h"
#include "mailorigind/journal/stamp.h"
#include "mailorigind/judging/counted_limits.h"
#include "mailorigind/judging/decision.h"
#include "mailorigind/judging/holders.h"
#include "mailorigind/judging/known_process.h"
#include "mailorigind/judging/process.h"
#include "mailorigind/judging/request_bindings.h"
#include "mailorigind/judging/rules.h"
#include "mailorigind/judging/senders.h"
#include "mailorigind/limits.h"
#include "mailorigind/moment.h"

namespace mailorigin::daemon {

// A message in the mail server's queue that nobody has asked about.
struct QueuedBy {
  const Context* context = nullptr;  // of the connection that it came over: the kernel's word
  std::optional<Rule> unrecorded;    // MailOriginUnrecorded, where that concerns it
  bool trusted = false;              // MailOriginTrustedSubmitters: no rule concerns it
  bool refusable = true;             // else what would be refused is held
  // Of a program, which may have named no sender.
  const Completion* completion = nullptr;
};

// Who asks, as far as the kernel knows.
struct AskingProcess {
  Credentials credentials;
  std::string_view user;  // the uid's name, empty if unknown
  Quota& quota;           // the uid's
  // Read when a context is shown for the first time, then kept with the connection.
  std::optional<std::vector<Process>>& lineage;
  const QueuedBy* queued = nullptr;  // it is none that asks, but who put a message there
};

struct Judgement {
  Answer answer;
  bool recorded = false;  // there is an event, for the logs of the vhost `policy`
  std::uint32_t policy = 0;
};

class Judge {
 public:
  // Judges by an empty policy and knows no key until they are set.
  Judge();

  void use(std::shared_ptr<const ActivePolicy> policy);
  void use(const KeyRing& keys) { keys_ = keys; }
  // What `mailorigin block` has stopped; must outlive the judge.
  void use(const Blocks& blocks) { blocks_ = &blocks; }
  // What the firewall in the kernel keeps of a process; nothing where there is none.
  using ProcessOrigin = std::function<std::optional<mo_snapshot>(pid_t pid)>;
  void use(ProcessOrigin origin_of) { origin_of_ = std::move(origin_of); }
  // Which of them the firewall has refused a connection by; see judging/blocking.h.
  [[nodiscard]] const Block* block_of_connection(uid_t uid, const VhostPolicy& vhost) const;

  // Which of them stops what httpd itself does for a request of that virtual host, because of
  // that .htaccess, which may be empty; null where none does. A block of the user that PHP runs
  // as there is one.
  [[nodiscard]] const Block* block_of_request(const Context& request, std::string_view htaccess,
                                              const VhostPolicy& vhost, const Moment& moment) const;

  // Whether the question is blocked now, whatever was answered before. Counts nothing.
  bool is_blocked(const Question& question, const AskingProcess& asker, const Moment& moment);

  // Who has been heard of decides whether a mail can be held.
  Holders& holders() { return holders_; }
  // What is used of MailOriginLimits; it counts nothing before it has a table.
  CountedLimits& limits() { return limits_; }

  // Where it says `recorded`, the question's claims have become the event.
  Judgement judge(Question& question, const AskingProcess& asker, const Moment& moment);

  // Why a process may not be known by a context that it shows without a question;
  // empty if it may.
  std::string_view admit(std::string_view context, const AskingProcess& asker,
                         const Moment& moment);

 private:
  // What a shown context turned out to be.
  struct Examined {
    std::optional<Context> context;  // its seal holds
    std::string_view refusal;        // why it does not count
    // Where none counts: what the kernel knows of who shows it.
    std::optional<KnownProcess> known{};
    [[nodiscard]] Shown shown() const {
      const Context* const sealed = context ? &*context : nullptr;
      if (known) return {&known->context, refusal, sealed};
      return refusal.empty() ? Shown{sealed, refusal, nullptr} : Shown{nullptr, refusal, sealed};
    }
  };
  Examined examine(std::string_view text, const AskingProcess& asker, const Moment& moment);
  Examined find_origin(std::string_view text, const AskingProcess& asker, const Moment& moment);
  std::optional<KnownProcess> known(const AskingProcess& asker, const Moment& moment);
  std::string_view foreign_to(const Context& context, const AskingProcess& asker,
                              const Moment& moment);
  static bool refuse_again(const Quota& exhausted, const Moment& moment, Answer& answer);
  [[nodiscard]] bool is_server(const VhostPolicy& policy) const;
  Quota* exhausted_by_vhost(const VhostPolicy& policy, const Moment& moment);
  bool has_share_of_its_own(const Shown& shown, const VhostPolicy& policy, const Moment& moment);
  void describe_origin(Event& event, const Examined& examined, const VhostPolicy& policy) const;
  void add_ticket(Answer& answer) const;
  void add_headers(Answer& answer, const VhostPolicy& policy, const Event& event) const;
  const Block* block_of(const Question& question, uid_t uid, const Shown& shown,
                        const Decision& decision, const Moment& moment) const;
  void apply(const RuledMail& mail, const Decision& decision, const Block* block,
             const QueuedBy* queued, const Moment& moment, Answer& answer);

  static inline const Blocks nothing_blocked_;

  std::shared_ptr<const ActivePolicy> policy_;
  const Blocks* blocks_ = &nothing_blocked_;
  ProcessOrigin origin_of_ = [](pid_t) { return std::nullopt; };
  std::optional<KeyRing> keys_;
  const std::uint64_t began_ns_ = boottime_now_ns();
  CountedLimits limits_;
  std::vector<ExceededLimit> exceeded_;  // by the mail at hand
  RequestBindings bindings_;
  Holders holders_;
  VhostQuotas vhost_quotas_;
  // What their uid has none of any more.
  VhostQuotas shares_of_hosts_{shared_host_rate, shared_host_burst};
  Stamp stamp_;
};

}  // namespace mailorigin::daemon
