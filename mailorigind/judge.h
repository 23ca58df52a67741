// Judge: from a question to its answer and its event, with all that has to be
// remembered between questions.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/key.h"
#include "core/limits.h"
#include "core/ulid.h"
#include "core/unix_socket.h"
#include "core/wire.h"
#include "mailorigind/active_policy.h"
#include "mailorigind/decision.h"
#include "mailorigind/process.h"
#include "mailorigind/quota.h"
#include "mailorigind/request_bindings.h"
#include "mailorigind/rules.h"

namespace mailorigin {

// One reading of the clocks for all that is done in one turn.
struct Moment {
  std::uint64_t wall_ms = 0;
  std::uint64_t boottime_ns = 0;
  // For intervals.
  [[nodiscard]] std::uint64_t elapsed_ms() const { return boottime_ns / 1'000'000; }

  static Moment now();
};

// Who asks, as far as the kernel knows.
struct AskingProcess {
  Credentials credentials;
  std::string_view user;  // the uid's name, empty if unknown
  Quota& quota;           // the uid's
  // Read when a context is shown for the first time, then kept with the connection.
  std::optional<std::vector<Process>>& lineage;
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
  // Before the first policy that has limits.
  void use(LimitTable limits) { limits_ = std::move(limits); }
  [[nodiscard]] bool counts() const { return limits_.has_value(); }

  // Where it says `recorded`, the question's claims have become the event.
  Judgement judge(Question& question, const AskingProcess& asker, const Moment& moment);

 private:
  Unsealed unseal_shown(const Question& question, const AskingProcess& asker, const Moment& moment,
                        std::string_view& refusal);
  void apply(const RuledMail& mail, const AskingProcess& asker, const Moment& moment,
             Answer& answer);

  std::shared_ptr<const ActivePolicy> policy_;
  std::optional<KeyRing> keys_;
  const std::uint64_t began_ns_ = boottime_now_ns();
  std::optional<LimitTable> limits_;
  RequestBindings bindings_;
  std::unordered_map<std::uint32_t, Quota> vhost_quotas_;
  UlidGenerator ids_;
  std::string host_;
  std::uint64_t time_ms_ = 0;
  std::string time_text_;  // time_ms_ as an event has it
};

}  // namespace mailorigin
