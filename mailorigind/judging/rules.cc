#include "mailorigind/judging/rules.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "core/name_values.h"
#include "core/probe.h"
#include "core/seal.h"
#include "mailorigind/judging/senders.h"
#include "mailorigind/limits.h"
#include "mailorigind/thread_clock.h"

namespace mailorigin::daemon {

namespace {

// MailOriginDenyScript: compares names with its expressions, for a bounded time: a
// tenant chooses the names, and all others wait meanwhile.
class DeniedScripts {
 public:
  explicit DeniedScripts(const std::vector<ActivePolicy::Script>& scripts)
      : scripts_(scripts),
        thread_end_ns_(ThreadClock::thread_ns() + pattern_time_ns),
        wall_end_ns_(ThreadClock::wall_ns() + pattern_time_ns) {}

  // Also when there is no time left, or one match took too long: see Pattern.
  void match(std::string_view name) {
    if (name.empty()) return;
    for (const ActivePolicy::Script& script : scripts_) {
      bool gave_up = false;
      if (is_stricter(script.action, found_) &&
          (over() || script.pattern->matches(name, gave_up))) {
        found_ = script.action;
      }
    }
  }
  // There are names that cannot be seen.
  void match_all() {
    for (const ActivePolicy::Script& script : scripts_) {
      if (is_stricter(script.action, found_)) found_ = script.action;
    }
  }
  // The strictest action of what matched.
  [[nodiscard]] Rule found() const { return found_; }

 private:
  // The thread's own time, which is read only when the wall's clock says that it may be
  // over: it goes on while others have the processor.
  bool over() {
    const std::uint64_t wall_ns = ThreadClock::wall_ns();
    if (wall_ns <= wall_end_ns_) return false;
    const std::uint64_t thread_ns = ThreadClock::thread_ns();
    if (thread_ns > thread_end_ns_) return true;
    wall_end_ns_ = wall_ns + (thread_end_ns_ - thread_ns);
    return false;
  }

  const std::vector<ActivePolicy::Script>& scripts_;
  const std::uint64_t thread_end_ns_;
  std::uint64_t wall_end_ns_;
  Rule found_ = Rule::allow;
};

// MailOriginDenyScript
Rule rule_of_scripts(const RuledMail& mail, const std::vector<ActivePolicy::Script>& scripts) {
  if (scripts.empty()) return Rule::allow;
  DeniedScripts denied(scripts);
  const Event& event = mail.event;
  if (event.has(Field::eval)) denied.match("eval");
  denied.match(event.get(Field::entry));
  denied.match(event.get(Field::file));
  if (mail.question != nullptr) {
    for (const std::string& script : mail.question->scripts) denied.match(script);
    if (mail.question->scripts_cut) denied.match_all();
  }
  return denied.found();
}

bool senders_belong_to(const std::vector<std::string>& domains, const RuledMail& mail) {
  const auto belongs = [&](Field field, auto& belong_to) {
    const std::string& senders = mail.event.get(field);
    return is_whole(mail.event, field) &&
           (belong_to(senders, domains) ||
            (mail.completion != nullptr && is_completion(senders, *mail.completion)));
  };
  return belongs(Field::from, from_belongs_to) &&
         belongs(Field::envelope_from, envelope_belongs_to);
}

std::uint64_t recipients(const Event& event) {
  return parse_number(event.get(Field::recipients)).value_or(0);
}

}  // namespace

void Ruling::add(Rule rule, std::string_view why) {
  constexpr Verdict verdicts[] = {Verdict::allow, Verdict::observe, Verdict::deny, Verdict::hold};
  add(Ruling{verdicts[static_cast<std::size_t>(rule)], why});
}

void Ruling::add(const Ruling& other) {
  if (other.verdict > verdict) *this = other;
}

void Ruling::refuse_held() {
  if (verdict == Verdict::hold) *this = {Verdict::deny, "no-hold"};
}

Ruling apply_rules(const RuledMail& mail, Rule unverified,
                   const std::vector<ActivePolicy::Script>& denied_scripts) {
  const VhostPolicy& policy = mail.policy;
  Ruling ruling;
  if (mail.event.get(Field::to) == probe_recipient) ruling.add(Rule::deny, probe_reason);
  if (mail.standing == Standing::of_nobody) {
    ruling.add(unverified, "unverified");  // MailOriginUnverified
  }
  ruling.add(policy.send, "policy");  // MailOriginSend
  ruling.add(rule_of_scripts(mail, denied_scripts), "script");
  // MailOriginMaxRecipients
  if (policy.max_recipients && recipients(mail.event) > policy.max_recipients->most) {
    ruling.add(policy.max_recipients->action, "max-recipients");
  }
  // MailOriginSender
  if (!policy.sender.domains.empty() && !senders_belong_to(policy.sender.domains, mail)) {
    ruling.add(policy.sender.action, "sender");
  }
  return ruling;
}

}  // namespace mailorigin::daemon
