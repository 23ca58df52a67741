#include "reports/limits_report.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "core/blocks.h"
#include "core/event.h"
#include "core/name_values.h"
#include "core/socket_paths.h"
#include "core/text.h"
#include "reports/accounts.h"
#include "reports/administrator.h"
#include "reports/directives.h"
#include "reports/queue_facts.h"
#include "reports/services.h"
#include "reports/store_access.h"
#include "store/rollup.h"

namespace mailorigin::reports {

using nlohmann::json;

namespace {

using Kind = LimitSubject::Kind;

// The longest period of a limit is a day; a burst of several may be longer in use.
constexpr std::uint64_t looked_back_ms = 24 * store::hour_ms;
constexpr std::size_t names_asked = 4096;
// Of names, for one packet: the daemon answers nobody else while it looks them up.
constexpr std::size_t question_size = 8 << 10;

// Who has sent within a day, of all sites: whom they were counted for the daemon tells.
Result<ShowLimitsMessage> known_senders(const std::string& runtime_directory,
                                        std::uint64_t now_ms) {
  auto open = open_store(runtime_directory);
  if (!open) return open.error();
  const std::uint64_t from_ms = now_ms - std::min(now_ms, looked_back_ms);
  const auto busiest = [&](store::Per per) {
    return open->store(
        [&](store::Reader& reader) { return reader.busiest(per, from_ms, now_ms, names_asked); });
  };
  ShowLimitsMessage senders;
  auto scripts = busiest(store::Per::script);
  if (!scripts) return scripts.error();
  for (std::string& script : *scripts) {
    if (script.size() <= block_name_limit) senders.scripts.push_back(std::move(script));
  }
  const auto uids = busiest(store::Per::uid);
  if (!uids) return uids.error();
  for (const std::string& name : *uids) {
    if (const auto uid = parse_number(name, UINT32_MAX)) {
      senders.uids.push_back(static_cast<std::uint32_t>(*uid));
    }
  }
  return senders;
}

// The same limits, asked with other names.
void merge(SiteLimits&& more, SiteLimits& limits) {
  for (ShownLimit& other : more.limits) {
    const auto limit =
        std::find_if(limits.limits.begin(), limits.limits.end(),
                     [&](const ShownLimit& each) { return each.rule == other.rule; });
    if (limit == limits.limits.end()) continue;  // the configuration changes just now
    auto& counted = limit->counted;
    for (CountedSubject& subject : other.counted) {
      const bool is_there = std::any_of(counted.begin(), counted.end(),
                                        [&](const auto& each) { return each.of == subject.of; });
      if (!is_there) counted.push_back(std::move(subject));
    }
    std::stable_sort(counted.begin(), counted.end(), [](const auto& a, const auto& b) {
      return a.allowance.used > b.allowance.used;
    });
  }
}

Result<SiteLimits> ask_all(const std::string& socket, const std::string& site,
                           const ShowLimitsMessage& senders) {
  auto limits = ask_limits(socket, {site, {}, senders.uids});
  if (!limits) return limits;
  ShowLimitsMessage question{site};
  std::size_t size = 0;
  for (std::size_t i = 0; i < senders.scripts.size(); i++) {
    size += senders.scripts[i].size() + 16;  // and what stands around each
    question.scripts.push_back(senders.scripts[i]);
    if (size < question_size && i + 1 < senders.scripts.size()) continue;
    auto more = ask_limits(socket, question);
    if (!more) return more;
    merge(*std::move(more), *limits);
    question.scripts.clear();
    size = 0;
  }
  return limits;
}

json subject_facts(const LimitSubject& of) {
  const bool is_named = of.kind == Kind::docroot || of.kind == Kind::script;
  return {{"of", limit_subject_name(of.kind)}, {"name", is_named ? of.name : user_text(of.uid)}};
}

std::uint64_t seconds(std::uint64_t nanoseconds) {
  return (nanoseconds + 999'999'999) / 1'000'000'000;
}

struct NamedSite {
  std::string site;  // ServerName, lower case
  std::string note;  // what the name has to do with it; empty: it is that
};

Result<NamedSite> site_called(const std::string& socket, const std::string& name) {
  const auto policy = ask_policy(socket);
  if (!policy) return policy.error();
  const VhostPolicy* const found = policy->called(name);
  if (found == nullptr) {
    return Error{"no virtual host has the ServerName or ServerAlias " + one_line(name) +
                 "; `mailorigin policy` lists them"};
  }
  if (equal_ignoring_case(found->site, name)) return NamedSite{found->site, ""};
  if (equal_ignoring_case(found->name, name)) {
    return NamedSite{found->site, found->name + " is one of the virtual hosts of " + found->site +
                                      ": its limits count for all of them together"};
  }
  return NamedSite{found->site, one_line(name) + " is a ServerAlias of " + found->site};
}

bool may_hold(const SiteLimits& limits) {
  return std::any_of(limits.limits.begin(), limits.limits.end(),
                     [](const ShownLimit& each) { return each.rule.action == Rule::hold; });
}

json facts_of(const ShownLimit& limit) {
  json facts = {{"directive", "MailOriginLimit " + limit_text(limit.rule)},
                {"action", rule_name(limit.rule.action)},
                {"burst", limit.rule.rate.burst},
                {"vhosts", limit.vhosts},
                {"counted", json::array()},
                {"exceeded", json::array()}};
  if (!limit.rule.place.empty()) facts["place"] = limit.rule.place;
  for (const CountedSubject& each : limit.counted) {
    json one = subject_facts(each.of);
    one["used"] = each.allowance.used;
    one["next_in"] = seconds(each.allowance.next_ns);
    one["whole_in"] = seconds(each.allowance.whole_ns);
    facts["counted"].push_back(std::move(one));
  }
  for (const LimitedSubject& each : limit.limited) {
    json one = subject_facts(each.of);
    one["mails"] = each.count;
    one["held"] = each.held;
    one["no_hold"] = each.no_hold;
    one["last"] = rfc3339(each.last_ms);
    one["event"] = each.last_id;
    facts["exceeded"].push_back(std::move(one));
  }
  return facts;
}

}  // namespace

json limit_facts(const std::string& site, const SiteLimits& limits) {
  json facts = {{"site", site},
                {"since", rfc3339(limits.started_ms)},
                {"limits", json::array()},
                {"notes", json::array()}};
  if (limits.reset) {
    facts["reset"] = {{"since", rfc3339(limits.reset->since_ms)}, {"by", limits.reset->by}};
  }
  for (const ShownLimit& limit : limits.limits) facts["limits"].push_back(facts_of(limit));
  return facts;
}

Result<json> limits_report(const std::string& runtime_directory, const std::string& name,
                           std::uint64_t now_ms) {
  const std::string socket = control_socket(runtime_directory);
  const auto named = site_called(socket, name);
  if (!named) return named.error();
  const auto senders = known_senders(runtime_directory, now_ms);
  const auto limits = ask_all(socket, named->site, senders ? *senders : ShowLimitsMessage{});
  if (!limits) return limits.error();
  json facts = limit_facts(named->site, *limits);
  if (!named->note.empty()) facts["notes"].push_back(named->note);
  if (may_hold(*limits)) {
    const auto status = ask_status(socket);
    if (status && !somebody_holds(*status)) facts["notes"].push_back(std::string(nobody_holds));
  }
  if (!senders && !limits->limits.empty()) {
    facts["notes"].push_back("who else has been counted is not known: " + senders.error().message);
  }
  return facts;
}

Result<json> reset_limits(const std::string& runtime_directory, const std::string& name) {
  const std::string socket = control_socket(runtime_directory);
  const auto named = site_called(socket, name);
  if (!named) return named.error();
  const std::string by = administrator();
  const auto packet =
      ask(socket, encode_reset_limits({named->site, by}), MessageType::limits_reset);
  if (!packet) return packet.error();
  const auto answer = decode_limits_reset(packet->bytes);
  if (!answer) return answer.error();
  json facts = {{"site", named->site},
                {"reset", {{"since", rfc3339(answer->since_ms)}, {"by", by}}},
                {"notes", json::array()}};
  if (!named->note.empty()) facts["notes"].push_back(named->note);
  if (!answer->not_kept.empty()) {
    facts["notes"].push_back("the next start of mailorigind will not know of it: " +
                             answer->not_kept);
  }
  return facts;
}

}  // namespace mailorigin::reports
