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

// Whether a name that the tenant gives is counted. Without a seal the script is a
// claim, and each new name would be a fresh allowance.
bool counts_script(const LimitRule& limit, const RuledMail& mail) {
  return limit.per == LimitRule::Per::script && mail.standing == Standing::own &&
         mail.event.has(Field::verified);
}

// Whom a limit counts for.
std::string subject_of(const LimitRule& limit, const RuledMail& mail) {
  // A foreign mail has an allowance of its own: nobody uses up another's by showing
  // its context.
  if (limit.per == LimitRule::Per::uid || mail.standing != Standing::own) {
    return "uid " + std::to_string(mail.uid);
  }
  if (counts_script(limit, mail)) return "script " + mail.event.get(Field::entry);
  if (limit.per == LimitRule::Per::script) return "scripts of uid " + std::to_string(mail.uid);
  // The ports of a user's site may have document roots of their own; without a context
  // it is not known which it was.
  const std::string& docroot = mail.event.get(Field::docroot);
  if (mail.policy.run_as && (!mail.event.has(Field::verified) || docroot == mail.policy.docroot)) {
    return "site of uid " + std::to_string(*mail.policy.run_as);
  }
  // Under mod_vhost_alias and in home directories, many sites are one vhost.
  return "vhost " + docroot;
}

LimitKey hashed(std::string_view bytes) { return {siphash24(bytes, {1}), siphash24(bytes, {2})}; }

// The keys of one mail: whom its limits count for is hashed once for each kind.
class LimitKeys {
 public:
  explicit LimitKeys(const RuledMail& mail) : mail_(mail), site_(siphash24(mail.policy.site, {})) {}

  LimitKey of(const LimitRule& limit) {
    auto& subject = subjects_[static_cast<std::size_t>(limit.per)];
    if (!subject) subject = hashed(subject_of(limit, mail_));
    const std::uint64_t parts[] = {site_,
                                   limit.rate.units,
                                   limit.rate.period_ns,
                                   limit.rate.burst,
                                   static_cast<std::uint64_t>(limit.count),
                                   subject->high,
                                   subject->low};
    return hashed({reinterpret_cast<const char*>(parts), sizeof parts});
  }

 private:
  const RuledMail& mail_;
  const std::uint64_t site_;
  std::array<std::optional<LimitKey>, 3> subjects_;  // by LimitRule::Per
};

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

// MailOriginLimit
void AskedLimits::add(const RuledMail& mail) {
  LimitKeys keys(mail);
  for (const LimitRule& limit : mail.policy.limits) {
    const bool mails = limit.count == LimitRule::Count::mails;
    // A mail without a recipient that we see still is one.
    const std::uint64_t units = mails ? 1 : std::max<std::uint64_t>(recipients(mail.event), 1);
    const LimitKey key = keys.of(limit);
    const bool is_there = std::any_of(demands.begin(), demands.end(),
                                      [&](const LimitDemand& each) { return each.key == key; });
    if (is_there) continue;
    const bool refuses = limit.action == Rule::deny || (limit.action == Rule::hold && !can_hold);
    demands.push_back({key, limit.rate, units, refuses,
                       counts_script(limit, mail) || mail.standing == Standing::foreign});
    actions.push_back(limit.action);
  }
}

}  // namespace mailorigin::daemon
