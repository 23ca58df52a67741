#include "mailorigind/judging/decision.h"

#include <utility>

namespace mailorigin::daemon {

namespace {

const VhostPolicy& or_server(const VhostPolicy* vhost, const Policy& policy) {
  return vhost != nullptr ? *vhost : policy.server;
}

// Those ports of a site of which MailOrigin Off says nothing.
std::vector<const VhostPolicy*> enabled(std::vector<const VhostPolicy*> ports) {
  std::erase_if(ports, [](const VhostPolicy* port) { return !port->enabled; });
  return ports;
}

// A uid's own virtual host is known by MailOriginRunAs, or suexec's uid.
void decide_by_uid(uid_t uid, std::string_view place, const Policy& policy, Decision& decision) {
  decision.policy = &or_server(policy.owner(uid, place), policy);
  decision.ports = enabled(policy.other_ports(*decision.policy));
}

// Of a virtual host that is not configured any more, a context is worth no more than none.
void decide_by_context(const Context& context, uid_t uid, std::string_view place,
                       const Policy& policy, Decision& decision) {
  const VhostPolicy* const vhost = policy.by_id(context.tag.vhost_id);
  decision.policy = &or_server(vhost, policy);
  const VhostPolicy* const owner = vhost == nullptr ? policy.owner(uid, place) : nullptr;
  if (owner == nullptr) return;
  decision.ports = policy.other_ports(*owner);
  decision.ports.insert(decision.ports.begin(), owner);
  decision.ports = enabled(std::move(decision.ports));
}

}  // namespace

// MailOriginRunAs
std::string_view uid_refusal(const Context& context, uid_t uid, const VhostPolicy* vhost) {
  const bool was_for_it = context.tag.uid == ContextTag::any_uid || context.tag.uid == uid;
  // Where httpd goes by suexec's uid, PHP inside it and programs of ~user have others.
  const bool is_named = vhost != nullptr && !vhost->user.empty();
  const bool is_its_still = !is_named || vhost->run_as.value_or(uid) == uid;
  return was_for_it && is_its_still ? "" : "uid";
}

Decision decide(const Shown& shown, uid_t uid, std::string_view place, const Policy& policy) {
  Decision decision;
  if (shown.context != nullptr) {
    decide_by_context(*shown.context, uid, place, policy, decision);
  } else {
    decide_by_uid(uid, place, policy, decision);
  }
  // MailOrigin Off of one port, which redirects to another perhaps, is not the site's.
  if (!decision.policy->enabled && !decision.ports.empty()) {
    decision.policy = decision.ports.front();
    decision.ports.erase(decision.ports.begin());
  }
  // As the configuration has it now: a context of the time when MailOrigin was Off says so
  // for a day.
  decision.recorded = decision.policy->enabled;
  if (shown.foreign != nullptr) {
    const VhostPolicy* const also = policy.by_id(shown.foreign->tag.vhost_id);
    if (also != nullptr && also->enabled && also != decision.policy) decision.also = also;
  }
  // What a rule refuses is recorded, if need be where nothing else is.
  decision.recorded = decision.recorded || decision.also != nullptr;
  decision.reason = shown.refusal;
  return decision;
}

}  // namespace mailorigin::daemon
