// The rules of one virtual host, applied to one mail: MailOriginSend,
// MailOriginDenyScript, MailOriginMaxRecipients, MailOriginSender; MailOriginLimit is in
// asked_limits.h; and MailOriginUnverified. Pure: nothing is remembered here.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "core/policy.h"
#include "core/wire/asking.h"
#include "mailorigind/active_policy.h"
#include "mailorigind/judging/senders.h"

namespace mailorigin::daemon {

// What a rule makes of a mail; of several, the strictest holds, and of equally
// strict ones the first. `observe` is the verdict that would be deny.
struct Ruling {
  Verdict verdict = Verdict::allow;
  std::string_view reason;  // a stable word; empty for allow

  void add(Rule rule, std::string_view why);
  // What another policy makes of the mail.
  void add(const Ruling& other);
  // No mail server holds: what is to be held is refused, with the reason `no-hold`.
  void refuse_held();
};

// What a mail is to the policy that it is judged by.
enum class Standing : std::uint8_t {
  own,        // a verified context says so, or the uid is its site's
  of_nobody,  // no verified context, and no vhost of the uid's own
  foreign,    // it shows a context of this vhost that is not its own
};

struct RuledMail {
  const Event& event;         // with the origin's fields
  uid_t uid;                  // the kernel's
  const VhostPolicy& policy;  // that governs it
  Standing standing = Standing::own;
  const Question* question = nullptr;  // for its scripts; null: none
  // What may stand in the place of no sender, in the mail server's queue; null: nothing.
  const Completion* completion = nullptr;
};

// All rules but the limits. Names are compared for pattern_time_ns at most; what is
// not compared by then, or was cut before it came here, counts as matched. `denied_scripts`
// are policy.denied_scripts, compiled.
Ruling apply_rules(const RuledMail& mail, Rule unverified,
                   const std::vector<ActivePolicy::Script>& denied_scripts);

}  // namespace mailorigin::daemon
