#include "firewall/compiled_policy.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string_view>
#include <type_traits>
#include <utility>

#include "firewall/limits.h"

namespace mailorigin::firewall {

namespace {

static_assert(static_cast<int>(FirewallMode::off) == mo_mode_off &&
              static_cast<int>(FirewallMode::observe) == mo_mode_observe &&
              static_cast<int>(FirewallMode::on) == mo_mode_on);
static_assert(static_cast<int>(SmtpRule::deny) == mo_rule_deny &&
              static_cast<int>(SmtpRule::observe) == mo_rule_observe &&
              static_cast<int>(SmtpRule::allow) == mo_rule_allow &&
              static_cast<int>(SmtpRule::redirect) == mo_rule_redirect);
static_assert(static_cast<int>(SmtpRule::redirect) < mo_rule_blocked);
static_assert(static_cast<int>(Rule::allow) == mo_local_allow &&
              static_cast<int>(Rule::observe) == mo_local_observe &&
              static_cast<int>(Rule::deny) == mo_local_deny);

// Ahead of a mapped address's own. A shorter prefix is of a network of IPv6, which has no
// IPv4 addresses in it: ::/0 is all of IPv6.
constexpr std::uint8_t mapped_bits = 96;

IpAddress without_host_bits(IpAddress address, std::uint8_t prefix) {
  for (std::size_t bit = prefix; bit < 128; bit++) {
    address[bit / 8] = static_cast<std::uint8_t>(address[bit / 8] & ~(0x80U >> bit % 8));
  }
  return address;
}

std::vector<IpAddress> addresses_of(const std::string& host, const NameAddresses& names) {
  if (const auto address = parse_ip_address(host)) return {*address};
  const auto found = names.find(host);
  if (found == names.end()) return {};
  auto addresses = found->second;
  if (addresses.size() > addresses_per_name) addresses.resize(addresses_per_name);
  return addresses;
}

class Compiler {
 public:
  Compiler(const Policy& policy, const NameAddresses& names, const Blocks& blocks)
      : policy_(policy), names_(names), blocks_(blocks) {}

  Result<CompiledPolicy> run() {
    out_.mode = policy_.firewall.mode;
    out_.ports.insert(policy_.firewall.ports.begin(), policy_.firewall.ports.end());
    out_.uids.insert(policy_.firewall.uids.begin(), policy_.firewall.uids.end());
    out_.gids.insert(policy_.firewall.gids.begin(), policy_.firewall.gids.end());
    out_.uids.erase(0);
    out_.policies[0] = one(policy_.server);
    for (const VhostPolicy& vhost : policy_.vhosts) add(vhost);
    note_blocks();
    judge_the_unverified();
    out_.lists = static_cast<std::uint32_t>(lists_.size());
    std::sort(out_.allowed.begin(), out_.allowed.end());
    if (const Status fits = check_sizes(); !fits) return fits.error();
    return std::move(out_);
  }

 private:
  using Entries = std::set<AllowedDestination>;  // their list is 0

  // Whoever runs virtual hosts: one site, which is all its ports, or several.
  struct Owner {
    const VhostPolicy* first = nullptr;
    bool one_site = true;
    std::vector<const VhostPolicy*> vhosts;  // that are judged

    void add(const VhostPolicy& vhost, bool judged) {
      if (first == nullptr) first = &vhost;
      one_site = one_site && vhost.site == first->site;
      if (judged) vhosts.push_back(&vhost);
    }
  };

  [[nodiscard]] bool is_blocked(const VhostPolicy& vhost) const {
    return blocks_.of_site(vhost.site) != nullptr;
  }
  // Those that are Off are not, unless they are blocked.
  [[nodiscard]] bool is_judged(const VhostPolicy& vhost) const {
    return vhost.enabled || is_blocked(vhost);
  }

  void note_blocks() {
    std::set<std::string_view> sites;
    for (const VhostPolicy& vhost : policy_.vhosts) sites.insert(vhost.site);
    for (const Block& block : blocks_.list()) {
      const BlockSubject& subject = block.subject;
      if (subject.kind == BlockSubject::Kind::user && subject.uid != 0) {
        out_.blocked_users.insert(subject.uid);
        out_.blocks |= mo_blocks_some;
      }
      if (subject.kind != BlockSubject::Kind::site) continue;
      out_.blocks |= mo_blocks_some;
      if (!sites.contains(subject.name)) out_.blocks |= mo_blocks_gone;
    }
  }

  // A process without a context is under the strictest of all that its uid can be, and of
  // the server's own: losing one's context is not to be worth anything.
  void judge_the_unverified() {
    std::vector<const VhostPolicy*> all;
    std::vector<const VhostPolicy*> nobodys;
    std::map<std::uint32_t, Owner> by_uid;  // MailOriginRunAs
    for (const VhostPolicy& vhost : policy_.vhosts) {
      if (vhost.run_as) by_uid[*vhost.run_as].add(vhost, is_judged(vhost));
      if (!is_judged(vhost)) continue;
      all.push_back(&vhost);
      if (!vhost.run_as) nobodys.push_back(&vhost);
    }
    out_.nobodys = strictest(nobodys);
    for (const auto& [uid, owner] : by_uid) {
      if (!owner.one_site) {
        out_.accounts[uid] = {0, 0, 0, strictest(owner.vhosts)};
      } else if (owner.vhosts.empty()) {
        // MailOrigin Off: what its user does passes, as a context of it would.
        out_.accounts[uid] = {1, 1, owner.first->id, out_.policies[owner.first->id]};
      } else {
        out_.accounts[uid] = {0, 1, owner.vhosts[0]->id, strictest_port(owner.vhosts)};
      }
    }
    if (policy_.firewall.httpd_uid.value_or(0) != 0) {
      mo_policy httpds = strictest(all);
      httpds.list = 0;
      out_.accounts[*policy_.firewall.httpd_uid] = {0, 0, 0, httpds};
    }
    // Of whom nobody says that they run a site, those that may are none.
    mo_policy of_others = out_.nobodys;
    if (of_others.rule == mo_rule_blocked) of_others.rule = mo_rule_deny;
    for (const std::uint32_t uid : out_.uids) {
      out_.accounts.try_emplace(uid, mo_account{0, 0, 0, of_others}).first->second.may = 1;
    }
  }

  // Of a site's ports, the uid being its alone: its own rules, and no other's.
  mo_policy strictest_port(const std::vector<const VhostPolicy*>& ports) {
    mo_policy policy = out_.policies[ports[0]->id];
    for (const VhostPolicy* port : ports) {
      const mo_policy& its = out_.policies[port->id];
      const bool one_relay = its.relay_port == policy.relay_port &&
                             std::equal(std::begin(its.relay), std::end(its.relay), policy.relay);
      if (its.rule != policy.rule || !one_relay) {
        const bool redirects = its.rule == mo_rule_redirect || policy.rule == mo_rule_redirect;
        policy.rule = redirects ? std::uint8_t{mo_rule_deny} : std::min(its.rule, policy.rule);
      }
      policy.local = std::max(policy.local, its.local);
      policy.list = common_list(policy.list, its.list);
    }
    return policy;
  }

  // Of these and the server. Without a context nothing but `observe` lets anything out.
  mo_policy strictest(const std::vector<const VhostPolicy*>& vhosts) {
    const mo_policy& server = out_.policies[0];
    mo_policy policy{};
    policy.rule = server.rule == mo_rule_observe ? mo_rule_observe : mo_rule_deny;
    policy.local = server.local;
    policy.list = server.list;
    for (const VhostPolicy* vhost : vhosts) {
      const mo_policy& its = out_.policies[vhost->id];
      if (its.rule == mo_rule_blocked || policy.rule == mo_rule_blocked) {
        policy.rule = mo_rule_blocked;
      } else if (its.rule != mo_rule_observe && its.rule != mo_rule_allow) {
        policy.rule = mo_rule_deny;
      }
      policy.local = std::max(policy.local, its.local);
      policy.list = common_list(policy.list, its.list);
    }
    return policy;
  }

  // Of what both allow.
  std::uint32_t common_list(std::uint32_t one, std::uint32_t other) {
    if (one == other || one == 0 || other == 0) return one == other ? one : 0;
    const auto [known, is_new] = common_.try_emplace(std::minmax(one, other), 0);
    if (is_new) {
      Entries both;
      add_covered(*entries_[one - 1], *entries_[other - 1], both);
      add_covered(*entries_[other - 1], *entries_[one - 1], both);
      known->second = number_of(std::move(both));
    }
    return known->second;
  }

  // Those of `some` that lie within one of `others`. Prefixes of one family lie within one
  // another, or apart.
  static void add_covered(const Entries& some, const Entries& others, Entries& both) {
    std::set<std::pair<std::uint16_t, std::uint8_t>> kinds;
    for (const AllowedDestination& other : others) kinds.insert({other.port, other.prefix});
    for (AllowedDestination each : some) {
      const std::uint16_t port = each.port;
      for (const auto& [other_port, prefix] : kinds) {
        if (prefix > each.prefix || (port != 0 && other_port != 0 && port != other_port)) continue;
        if (is_mapped_ipv4(each.address) && prefix < mapped_bits) continue;
        if (!others.contains({0, other_port, prefix, without_host_bits(each.address, prefix)})) {
          continue;
        }
        each.port = port != 0 ? port : other_port;
        both.insert(each);
      }
    }
  }

  void add(const VhostPolicy& vhost) {
    const mo_policy policy = one(vhost);
    out_.policies[vhost.id] = policy;
    Policies& whose = vhost.run_as ? out_.hosts_of[*vhost.run_as] : out_.anybodys;
    // MailOrigin Off: what shows its context passes.
    whose.insert(is_judged(vhost) ? policy : mo_policy{mo_rule_allow, mo_local_allow, 0, 0, {}});
  }

  mo_policy one(const VhostPolicy& vhost) {
    const SmtpPolicy& smtp = vhost.smtp;
    if (!vhost.enabled) out_.off.insert(vhost.id);
    // Where httpd goes by suexec's uid, PHP inside it and programs of ~user have others.
    if (vhost.run_as && !vhost.user.empty()) out_.run_as[vhost.id] = *vhost.run_as;
    mo_policy policy{};
    policy.rule = static_cast<std::uint8_t>(smtp.rule);
    policy.local = static_cast<std::uint8_t>(smtp.local);
    policy.list = list(smtp.allow);
    if (smtp.rule == SmtpRule::redirect) set_relay(smtp.relay, policy);
    if (is_blocked(vhost)) policy.rule = mo_rule_blocked;
    return policy;
  }

  // IPv4 first: sockets of both families reach it.
  void set_relay(const SmtpDestination& relay, mo_policy& policy) {
    const auto addresses = addresses_of(relay.host, names_);
    if (addresses.empty() || !relay.port) {
      policy.rule = mo_rule_deny;
      return;
    }
    auto chosen = std::find_if(addresses.begin(), addresses.end(), is_mapped_ipv4);
    if (chosen == addresses.end()) chosen = addresses.begin();
    std::copy(chosen->begin(), chosen->end(), policy.relay);
    policy.relay_port = *relay.port;
  }

  std::uint32_t list(const std::vector<SmtpDestination>& allow) {
    Entries entries;
    for (const SmtpDestination& each : allow) {
      for (const IpAddress& address : addresses_of(each.host, names_)) {
        const int shift = is_mapped_ipv4(address) ? mapped_bits : 0;
        const auto prefix = static_cast<std::uint8_t>(each.prefix ? *each.prefix + shift : 128);
        entries.insert({0, each.port.value_or(0), prefix, without_host_bits(address, prefix)});
      }
    }
    return number_of(std::move(entries));
  }

  // Many virtual hosts have one list.
  std::uint32_t number_of(Entries entries) {
    if (entries.empty()) return 0;
    const auto [found, is_new] =
        lists_.emplace(std::move(entries), static_cast<std::uint32_t>(lists_.size() + 1));
    if (is_new) {
      entries_.push_back(&found->first);
      for (AllowedDestination entry : found->first) {
        entry.list = found->second;
        out_.allowed.push_back(entry);
      }
    }
    return found->second;
  }

  [[nodiscard]] Status check_sizes() const {
    const auto check = [](std::size_t count, std::size_t limit, const char* what) -> Status {
      if (count <= limit / 2) return Done{};
      return Error{"the firewall has room for " + std::to_string(limit / 2) + " " + what +
                   ", and there are " + std::to_string(count)};
    };
    if (Status fits = check(out_.policies.size(), mo_policies_limit, "virtual hosts"); !fits) {
      return fits;
    }
    if (Status fits = check(out_.accounts.size() + out_.gids.size() + out_.blocked_users.size(),
                            mo_accounts_limit, "users and groups");
        !fits) {
      return fits;
    }
    return check(out_.allowed.size(), mo_allowed_limit, "different MailOriginSmtpAllow entries");
  }

  const Policy& policy_;
  const NameAddresses& names_;
  const Blocks& blocks_;
  CompiledPolicy out_;
  std::map<Entries, std::uint32_t> lists_;
  std::vector<const Entries*> entries_;  // by number - 1
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> common_;
};

void add_names(const SmtpPolicy& smtp, std::set<std::string>& names) {
  const auto add = [&](const SmtpDestination& destination) {
    if (!parse_ip_address(destination.host)) names.insert(destination.host);
  };
  for (const SmtpDestination& each : smtp.allow) add(each);
  if (smtp.rule == SmtpRule::redirect) add(smtp.relay);
}

bool covers(const AllowedDestination& entry, const IpAddress& address) {
  return is_mapped_ipv4(entry.address) == is_mapped_ipv4(address) &&
         without_host_bits(address, entry.prefix) == entry.address;
}

}  // namespace

std::set<std::string> names_to_resolve(const Policy& policy) {
  std::set<std::string> names;
  add_names(policy.server.smtp, names);
  for (const VhostPolicy& vhost : policy.vhosts) add_names(vhost.smtp, names);
  return names;
}

Result<CompiledPolicy> compile(const Policy& policy, const NameAddresses& names,
                               const Blocks& blocks) {
  return Compiler(policy, names, blocks).run();
}

bool is_listed(const CompiledPolicy& policy, std::uint32_t list, const IpAddress& destination,
               std::uint16_t port) {
  // Sorted by list: of thousands of connections, none is held to the lists of all hosts.
  const auto first = std::ranges::lower_bound(policy.allowed, list, {}, &AllowedDestination::list);
  const auto last = std::ranges::upper_bound(policy.allowed, list, {}, &AllowedDestination::list);
  return list != 0 && std::any_of(first, last, [&](const AllowedDestination& entry) {
           return (entry.port == 0 || entry.port == port) && covers(entry, destination);
         });
}

mo_decision decide(const CompiledPolicy& policy, mo_facts facts, const IpAddress& destination,
                   std::uint16_t port) {
  facts.mode = static_cast<std::uint8_t>(policy.mode);
  facts.ipv6 = !is_mapped_ipv4(destination);
  facts.loopback = mo_is_loopback(destination.data()) != 0;
  facts.listed = is_listed(policy, facts.policy.list, destination, port);
  return mo_decide(&facts);
}

mo_decision decide_by_uid(const CompiledPolicy& policy, std::uint32_t uid,
                          const IpAddress& destination, std::uint16_t port) {
  mo_facts facts{};
  facts.uid = uid;
  const auto account = policy.accounts.find(uid);
  if (account != policy.accounts.end()) {
    facts.may = account->second.may != 0;
    facts.by_uid = account->second.has_vhost != 0;
    facts.vhost = account->second.vhost;
    facts.policy = account->second.policy;
  } else {
    facts.policy = policy.nobodys;
  }
  if (policy.blocked_users.contains(uid)) facts.policy.rule = mo_rule_blocked;
  return decide(policy, facts, destination, port);
}

bool PolicyOrder::operator()(const mo_policy& one, const mo_policy& other) const {
  static_assert(std::has_unique_object_representations_v<mo_policy>);
  return std::memcmp(&one, &other, sizeof one) < 0;
}

bool may_be_open(const CompiledPolicy& policy, std::uint32_t uid, const IpAddress& destination,
                 std::uint16_t port) {
  if (policy.blocked_users.contains(uid)) return false;
  const auto own = policy.hosts_of.find(uid);
  if (own == policy.hosts_of.end()) return true;
  const auto lets_out = [&](const mo_policy& its) {
    mo_facts facts{};
    facts.uid = uid;
    facts.verified = 1;
    facts.policy = its;
    const auto verdict = decide(policy, facts, destination, port).verdict;
    // What was redirected is a connection to the relay.
    if (verdict != mo_redirect) return verdict != mo_deny;
    return its.relay_port == port &&
           std::equal(destination.begin(), destination.end(), std::begin(its.relay));
  };
  const auto by_uid = decide_by_uid(policy, uid, destination, port).verdict;
  return by_uid == mo_allow || by_uid == mo_observe ||
         std::any_of(own->second.begin(), own->second.end(), lets_out) ||
         std::any_of(policy.anybodys.begin(), policy.anybodys.end(), lets_out);
}

}  // namespace mailorigin::firewall
