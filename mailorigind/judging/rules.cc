#include "mailorigind/judging/rules.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "core/name_values.h"
#include "core/seal.h"
#include "mailorigind/judging/senders.h"
#include "mailorigind/limits.h"
#include "mailorigind/thread_clock.h"

namespace mailorigin::daemon {

namespace {

// Compares names with the expressions of MailOriginDenyScript, for a bounded time:
// a tenant chooses the names, and all others wait meanwhile.
class DeniedScripts {
 public:
  explicit DeniedScripts(const std::vector<const Pattern*>& patterns)
      : patterns_(patterns),
        thread_end_ns_(ThreadClock::thread_ns() + pattern_time_ns),
        wall_end_ns_(ThreadClock::wall_ns() + pattern_time_ns) {}

  // Also when there is no time left, or one match took too long: see Pattern.
  [[nodiscard]] bool match(std::string_view name) {
    bool gave_up = false;
    return !name.empty() &&
           std::any_of(patterns_.begin(), patterns_.end(), [&](const Pattern* pattern) {
             return over() || pattern->matches(name, gave_up);
           });
  }

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

  const std::vector<const Pattern*>& patterns_;
  const std::uint64_t thread_end_ns_;
  std::uint64_t wall_end_ns_;
};

// MailOriginDenyScript
bool calls_from_denied_script(const RuledMail& mail, const std::vector<const Pattern*>& patterns) {
  if (patterns.empty()) return false;
  DeniedScripts denied(patterns);
  const Event& event = mail.event;
  if (event.has(Field::eval) && denied.match("eval")) return true;
  if (denied.match(event.get(Field::entry)) || denied.match(event.get(Field::file))) return true;
  if (mail.question == nullptr) return false;
  const auto& scripts = mail.question->scripts;
  return mail.question->scripts_cut ||
         std::any_of(scripts.begin(), scripts.end(),
                     [&](const std::string& script) { return denied.match(script); });
}

// What does not fit its field whole may hide an address behind the cut.
bool is_whole(const Event& event, Field field) {
  constexpr std::size_t longest_character = 4;
  return event.get(field).size() + longest_character <= info(field).limit;
}

bool senders_belong_to(const std::vector<std::string>& domains, const Event& event) {
  return is_whole(event, Field::from) && is_whole(event, Field::envelope_from) &&
         from_belongs_to(event.get(Field::from), domains) &&
         envelope_belongs_to(event.get(Field::envelope_from), domains);
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
  // Under mod_vhost_alias and in home directories, many sites are one vhost.
  return "vhost " + mail.event.get(Field::docroot);
}

LimitKey hashed(std::string_view bytes) { return {siphash24(bytes, {1}), siphash24(bytes, {2})}; }

// The keys of one mail: whom its limits count for is hashed once for each kind.
class LimitKeys {
 public:
  explicit LimitKeys(const RuledMail& mail) : mail_(mail) {}

  LimitKey of(const LimitRule& limit) {
    auto& subject = subjects_[static_cast<std::size_t>(limit.per)];
    if (!subject) subject = hashed(subject_of(limit, mail_));
    const std::uint64_t parts[] = {mail_.policy.id,
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
  std::array<std::optional<LimitKey>, 3> subjects_;  // by LimitRule::Per
};

}  // namespace

void Ruling::add(Rule rule, std::string_view why) {
  const Verdict found = rule == Rule::deny      ? Verdict::deny
                        : rule == Rule::observe ? Verdict::observe
                                                : Verdict::allow;
  if (found <= verdict) return;
  verdict = found;
  reason = why;
}

void Ruling::add(const Ruling& other) {
  if (other.verdict > verdict) *this = other;
}

Ruling apply_rules(const RuledMail& mail, Rule unverified,
                   const std::vector<const Pattern*>& denied_scripts) {
  const VhostPolicy& policy = mail.policy;
  Ruling ruling;
  if (mail.standing == Standing::of_nobody)
    ruling.add(unverified, "unverified");  // MailOriginUnverified
  ruling.add(policy.send, "policy");       // MailOriginSend
  if (calls_from_denied_script(mail, denied_scripts)) ruling.add(Rule::deny, "script");
  // MailOriginMaxRecipients
  if (policy.max_recipients && recipients(mail.event) > *policy.max_recipients) {
    ruling.add(Rule::deny, "max-recipients");
  }
  // MailOriginSender
  if (!policy.sender_domains.empty() && !senders_belong_to(policy.sender_domains, mail.event)) {
    ruling.add(Rule::deny, "sender");
  }
  return ruling;
}

// MailOriginLimit
std::vector<LimitDemand> limit_demands(const RuledMail& mail) {
  std::vector<LimitDemand> demands;
  demands.reserve(mail.policy.limits.size());
  LimitKeys keys(mail);
  for (const LimitRule& limit : mail.policy.limits) {
    const bool mails = limit.count == LimitRule::Count::mails;
    // A mail without a recipient that we see still is one.
    const std::uint64_t units = mails ? 1 : std::max<std::uint64_t>(recipients(mail.event), 1);
    demands.push_back({keys.of(limit), limit.rate, units, limit.action == Rule::deny,
                       counts_script(limit, mail) || mail.standing == Standing::foreign});
  }
  return demands;
}

}  // namespace mailorigin::daemon
