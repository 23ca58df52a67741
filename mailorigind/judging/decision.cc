#include "mailorigind/judging/decision.h"

namespace mailorigin::daemon {

namespace {

// A uid's own virtual host is known by MailOriginRunAs, or suexec's uid.
const VhostPolicy& governing(const Shown& shown, uid_t uid, std::string_view place,
                             const Policy& policy) {
  const VhostPolicy* vhost = shown.context != nullptr ? policy.by_id(shown.context->tag.vhost_id)
                                                      : policy.owner(uid, place);
  return vhost != nullptr ? *vhost : policy.server;
}

}  // namespace

// MailOriginRunAs
std::string_view uid_refusal(const Context& context, uid_t uid) {
  const bool fits = context.tag.uid == ContextTag::any_uid || context.tag.uid == uid;
  return fits ? "" : "uid";
}

Decision decide(const Shown& shown, uid_t uid, std::string_view place, const Policy& policy) {
  Decision decision;
  decision.policy = &governing(shown, uid, place, policy);
  if (shown.context == nullptr) {
    decision.ports = policy.other_ports(*decision.policy);
    std::erase_if(decision.ports, [](const VhostPolicy* port) { return !port->enabled; });
    // MailOrigin Off of one port, which redirects to another perhaps, is not the site's.
    if (!decision.policy->enabled && !decision.ports.empty()) {
      decision.policy = decision.ports.front();
      decision.ports.erase(decision.ports.begin());
    }
  }
  const bool pass = shown.context != nullptr && (shown.context->tag.flags & ContextTag::pass) != 0;
  // MailOrigin Off, of the virtual host or in the context
  decision.recorded = decision.policy->enabled && !pass;
  if (shown.foreign != nullptr && (shown.foreign->tag.flags & ContextTag::pass) == 0) {
    const VhostPolicy* const also = policy.by_id(shown.foreign->tag.vhost_id);
    if (also != nullptr && also->enabled && also != decision.policy) decision.also = also;
  }
  // What a rule refuses is recorded, if need be where nothing else is.
  decision.recorded = decision.recorded || decision.also != nullptr;
  decision.reason = shown.refusal;
  return decision;
}

}  // namespace mailorigin::daemon
