#include "mailorigind/judging/counted_limits.h"

#include <algorithm>

namespace mailorigin::daemon {

namespace {

using Kind = LimitSubject::Kind;

// Who may have been counted by limits of these hosts.
std::vector<LimitSubject> subjects_of(const Policy& policy,
                                      const std::vector<const VhostPolicy*>& hosts,
                                      const ShowLimitsMessage& question) {
  std::vector<LimitSubject> out;
  const auto add = [&](const LimitSubject& subject) {
    if (std::find(out.begin(), out.end(), subject) == out.end()) out.push_back(subject);
  };
  const auto add_uid = [&](std::uint32_t uid) {
    for (const Kind kind : {Kind::scripts, Kind::user, Kind::foreign}) add({kind, uid});
  };
  for (const VhostPolicy* host : hosts) {
    if (!host->docroot.empty()) add({Kind::docroot, 0, host->docroot});
    if (!host->run_as) continue;
    add({Kind::site, *host->run_as});
    add_uid(*host->run_as);
  }
  if (policy.firewall.httpd_uid) add_uid(*policy.firewall.httpd_uid);
  for (const std::uint32_t uid : question.uids) add_uid(uid);
  // Those of one question are different ones.
  for (const std::string& script : question.scripts) out.push_back({Kind::script, 0, script});
  return out;
}

bool may_count(const LimitRule& limit, const LimitSubject& of) {
  switch (of.kind) {
    case Kind::site:
    case Kind::docroot:
      return limit.per == LimitRule::Per::vhost;
    case Kind::script:
    case Kind::scripts:
      return limit.per == LimitRule::Per::script;
    case Kind::user:
    case Kind::foreign:
      break;
  }
  return true;
}

// The virtual hosts of a site; else the server's own, where that has the name; else none.
std::vector<const VhostPolicy*> hosts_of_site(const Policy& policy, std::string_view site) {
  std::vector<const VhostPolicy*> hosts;
  for (const VhostPolicy& vhost : policy.vhosts) {
    if (vhost.site == site) hosts.push_back(&vhost);
  }
  if (hosts.empty() && !site.empty() && policy.server.site == site) {
    hosts.push_back(&policy.server);
  }
  return hosts;
}

}  // namespace

void CountedLimits::reset(LimitReset reset) {
  exceeded_.forget(reset.site);
  resets_.add(std::move(reset));
}

std::optional<SiteLimits> CountedLimits::of(const Policy& policy, const ShowLimitsMessage& question,
                                            std::uint64_t boottime_ns) const {
  const auto hosts = hosts_of_site(policy, question.site);
  if (hosts.empty()) return std::nullopt;
  SiteLimits shown;
  if (const LimitReset* reset = resets_.of(question.site)) shown.reset = *reset;
  const auto subjects = subjects_of(policy, hosts, question);
  for (const VhostPolicy* host : hosts) {
    for (const LimitRule& rule : host->limits) {
      auto limit = std::find_if(shown.limits.begin(), shown.limits.end(),
                                [&](const ShownLimit& each) { return each.rule == rule; });
      if (limit == shown.limits.end()) {
        limit = shown.limits.insert(limit, ShownLimit{rule});
        limit->limited = exceeded_.of(question.site, rule);
        look_up(question.site, subjects, boottime_ns, *limit);
      }
      limit->vhosts.push_back(host->name);
    }
  }
  return shown;
}

void CountedLimits::look_up(const std::string& site, const std::vector<LimitSubject>& subjects,
                            std::uint64_t boottime_ns, ShownLimit& limit) const {
  if (!table_) return;
  const auto look = [&](const LimitSubject& of) {
    const LimitDemand demand = demand_of(limit.rule, site, resets_.of(site), of);
    if (const auto allowance = table_->look(demand, boottime_ns)) {
      limit.counted.push_back({of, *allowance});
    }
  };
  for (const LimitSubject& of : subjects) {
    if (may_count(limit.rule, of)) look(of);
  }
  for (const LimitedSubject& limited : limit.limited) {
    const auto same = [&](const CountedSubject& each) { return each.of == limited.of; };
    const auto& counted = limit.counted;
    if (std::none_of(counted.begin(), counted.end(), same)) look(limited.of);
  }
  std::stable_sort(limit.counted.begin(), limit.counted.end(),
                   [](const CountedSubject& a, const CountedSubject& b) {
                     return a.allowance.used > b.allowance.used;
                   });
}

}  // namespace mailorigin::daemon
