#include "firewall/opener.h"

#include <algorithm>
#include <iterator>

namespace mailorigin::firewall {

namespace {

bool is_blocked(const CompiledPolicy& policy, const mo_opener& opener) {
  if (policy.blocked_users.contains(opener.uid) || policy.blocked_users.contains(opener.owner)) {
    return true;
  }
  if (opener.verified == 0 && opener.shown == 0) return false;
  if (opener.verified == 0 && policy.blocked_users.contains(opener.shown_uid)) return true;
  const auto host = policy.policies.find(opener.verified != 0 ? opener.vhost : opener.shown_vhost);
  return host != policy.policies.end() ? host->second.rule == mo_rule_blocked
                                       : (policy.blocks & mo_blocks_gone) != 0;
}

// Of a host that has got another user since then, its former user's connections are none.
bool is_verified(const CompiledPolicy& policy, const mo_opener& opener) {
  if (opener.verified == 0) return false;
  const auto run_as = policy.run_as.find(opener.vhost);
  return run_as == policy.run_as.end() || run_as->second == opener.uid;
}

const mo_account* account_of(const CompiledPolicy& policy, std::uint32_t uid) {
  const auto found = policy.accounts.find(uid);
  return found != policy.accounts.end() ? &found->second : nullptr;
}

// Of its uid, or of whose it may be one of many.
const mo_account* account_behind(const CompiledPolicy& policy, const mo_opener& opener) {
  const mo_account* const own = account_of(policy, opener.uid);
  return own != nullptr || opener.owner == opener.uid ? own : account_of(policy, opener.owner);
}

// As the connect hook gathers them.
mo_facts facts_of(const CompiledPolicy& policy, const mo_opener& opener,
                  const IpAddress& destination, std::uint16_t port) {
  mo_facts facts{};
  facts.uid = opener.uid;
  facts.may = policy.uids.contains(opener.uid) || policy.gids.contains(opener.gid);
  const mo_account* also = nullptr;  // no more than this allows, either
  if (is_verified(policy, opener)) {
    facts.verified = 1;
    facts.vhost = opener.vhost;
    const auto host = policy.policies.find(opener.vhost);
    if (host != policy.policies.end()) {
      facts.policy = host->second;
      facts.pass = opener.pass != 0 && policy.off.contains(opener.vhost);
    } else {
      facts.policy = policy.policies.at(0);
      also = account_behind(policy, opener);
    }
  } else if (const mo_account* const own = account_of(policy, opener.uid)) {
    facts.by_uid = own->has_vhost != 0;
    facts.vhost = own->vhost;
    facts.policy = own->policy;
  } else {
    facts.policy = policy.nobodys;
    also = account_behind(policy, opener);
  }
  if (also != nullptr) {
    mo_narrow(&facts.policy, &also->policy);
    if (!is_listed(policy, also->policy.list, destination, port)) facts.policy.list = 0;
  }
  if (is_blocked(policy, opener)) facts.policy.rule = mo_rule_blocked;
  return facts;
}

}  // namespace

mo_decision decide_for(const CompiledPolicy& policy, const mo_opener& opener,
                       const IpAddress& destination, std::uint16_t port) {
  return decide(policy, facts_of(policy, opener, destination, port), destination, port);
}

bool may_stay(const CompiledPolicy& policy, const CompiledPolicy* before, const mo_opener& opener,
              const IpAddress& destination, std::uint16_t port) {
  if (opener.uid == 0) return true;
  const mo_facts facts = facts_of(policy, opener, destination, port);
  // What was redirected is a connection to the relay.
  if (facts.policy.rule == mo_rule_redirect && facts.policy.relay_port == port &&
      std::equal(destination.begin(), destination.end(), std::begin(facts.policy.relay))) {
    return true;
  }
  const mo_decision now = decide(policy, facts, destination, port);
  if (now.verdict == mo_redirect) return false;
  if (now.verdict != mo_deny || opener.reason == mo_reason_older) return true;
  return opener.reason == mo_reason_allowed && now.reason != mo_reason_blocked &&
         before != nullptr && decide_for(*before, opener, destination, port).verdict == mo_deny;
}

}  // namespace mailorigin::firewall
