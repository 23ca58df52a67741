#include "mailorigind/judging/asked_limits.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "core/name_values.h"
#include "core/seal.h"

namespace mailorigin::daemon {

namespace {

using Kind = LimitSubject::Kind;

// Whether a name that the tenant gives is counted. Without a seal the script is a
// claim, and each new name would be a fresh allowance.
bool counts_script(const LimitRule& limit, const RuledMail& mail) {
  return limit.per == LimitRule::Per::script && mail.standing == Standing::own &&
         mail.event.has(Field::verified);
}

LimitSubject subject_of(const LimitRule& limit, const RuledMail& mail) {
  // A foreign mail has an allowance of its own: nobody uses up another's by showing
  // its context.
  if (mail.standing == Standing::foreign) return {Kind::foreign, mail.uid};
  if (limit.per == LimitRule::Per::uid || mail.standing != Standing::own) {
    return {Kind::user, mail.uid};
  }
  if (counts_script(limit, mail)) return {Kind::script, 0, mail.event.get(Field::entry)};
  if (limit.per == LimitRule::Per::script) return {Kind::scripts, mail.uid};
  // The ports of a user's site may have document roots of their own; without a context
  // it is not known which it was.
  const std::string& docroot = mail.event.get(Field::docroot);
  if (mail.policy.run_as && (!mail.event.has(Field::verified) || docroot == mail.policy.docroot)) {
    return {Kind::site, *mail.policy.run_as};
  }
  // Under mod_vhost_alias and in home directories, many sites are one vhost.
  return {Kind::docroot, 0, docroot};
}

// A tenant chooses how many there are of these.
bool is_chosen(const LimitSubject& of) {
  return of.kind == Kind::script || of.kind == Kind::foreign;
}

LimitKey hashed(std::string_view bytes) { return {siphash24(bytes, {1}), siphash24(bytes, {2})}; }

// Of a site whose limits begin anew, another one each time.
std::uint64_t site_number(const std::string& site, const LimitReset* reset) {
  if (reset == nullptr) return siphash24(site, {});
  return siphash24(site + '\0' + std::to_string(reset->since_ms), {});
}

LimitKey key_of(const LimitRule& limit, std::uint64_t site, const LimitKey& subject) {
  const std::uint64_t parts[] = {site,
                                 limit.rate.units,
                                 limit.rate.period_ns,
                                 limit.rate.burst,
                                 static_cast<std::uint64_t>(limit.count),
                                 subject.high,
                                 subject.low};
  return hashed({reinterpret_cast<const char*>(parts), sizeof parts});
}

std::uint64_t recipients(const Event& event) {
  return parse_number(event.get(Field::recipients)).value_or(0);
}

}  // namespace

LimitDemand demand_of(const LimitRule& limit, const std::string& site, const LimitReset* reset,
                      const LimitSubject& of) {
  const LimitKey key = key_of(limit, site_number(site, reset), hashed(of.text()));
  return {key, limit.rate, 1, limit.action == Rule::deny, is_chosen(of)};
}

void AskedLimits::add(const RuledMail& mail) {
  if (mail.policy.limits.empty()) return;
  const std::uint64_t site = site_number(mail.policy.site, resets_.of(mail.policy.site));
  // Whom they count for is hashed once for each LimitRule::Per.
  struct Hashed {
    LimitKey key;
    bool chosen;
  };
  std::array<std::optional<Hashed>, 3> subjects;
  for (const LimitRule& limit : mail.policy.limits) {
    auto& subject = subjects[static_cast<std::size_t>(limit.per)];
    if (!subject) {
      const LimitSubject of = subject_of(limit, mail);
      subject = Hashed{hashed(of.text()), is_chosen(of)};
    }
    const LimitKey key = key_of(limit, site, subject->key);
    const bool is_there = std::any_of(demands_.begin(), demands_.end(),
                                      [&](const LimitDemand& each) { return each.key == key; });
    if (is_there) continue;
    const bool mails = limit.count == LimitRule::Count::mails;
    // A mail without a recipient that we see still is one.
    const std::uint64_t units = mails ? 1 : std::max<std::uint64_t>(recipients(mail.event), 1);
    const bool refuses = limit.action == Rule::deny || (limit.action == Rule::hold && !can_hold_);
    demands_.push_back({key, limit.rate, units, refuses, subject->chosen});
    asked_.push_back({&limit, &mail.policy, mail.standing});
  }
}

ExceededLimit AskedLimits::exceeded(std::size_t demand, const RuledMail& mail) const {
  const Asked& asked = asked_[demand];
  const RuledMail under{mail.event, mail.uid, *asked.policy, asked.standing};
  return {asked.policy->site, *asked.rule, subject_of(*asked.rule, under),
          asked.rule->action == Rule::hold && !can_hold_};
}

}  // namespace mailorigin::daemon
