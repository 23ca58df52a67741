#include "firewall/compiled_policy.h"

#include <algorithm>
#include <iterator>

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
static_assert(static_cast<int>(Rule::allow) == mo_local_allow &&
              static_cast<int>(Rule::observe) == mo_local_observe &&
              static_cast<int>(Rule::deny) == mo_local_deny);

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
  Compiler(const Policy& policy, const NameAddresses& names) : policy_(policy), names_(names) {}

  Result<CompiledPolicy> run() {
    out_.mode = policy_.firewall.mode;
    out_.ports.insert(policy_.firewall.ports.begin(), policy_.firewall.ports.end());
    out_.uids.insert(policy_.firewall.uids.begin(), policy_.firewall.uids.end());
    out_.gids.insert(policy_.firewall.gids.begin(), policy_.firewall.gids.end());
    out_.uids.erase(0);
    out_.policies[0] = one(policy_.server.smtp);
    for (const VhostPolicy& vhost : policy_.vhosts) {
      out_.policies[vhost.id] = one(vhost.smtp);
      if (!vhost.run_as || policy_.only_one_run_as(*vhost.run_as) != &vhost) continue;
      // MailOrigin Off: what its user does passes, as a context of it would.
      out_.accounts[*vhost.run_as] = {vhost.enabled ? 0U : 1U, 1, vhost.id};
    }
    for (const std::uint32_t uid : out_.uids) out_.accounts[uid].may = 1;
    out_.lists = static_cast<std::uint32_t>(lists_.size());
    std::sort(out_.allowed.begin(), out_.allowed.end());
    if (const Status fits = check_sizes(); !fits) return fits.error();
    return std::move(out_);
  }

 private:
  mo_policy one(const SmtpPolicy& smtp) {
    mo_policy policy{};
    policy.rule = static_cast<std::uint8_t>(smtp.rule);
    policy.local = static_cast<std::uint8_t>(smtp.local);
    policy.list = list(smtp.allow);
    if (smtp.rule == SmtpRule::redirect) set_relay(smtp.relay, policy);
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

  // Many virtual hosts have one list.
  std::uint32_t list(const std::vector<SmtpDestination>& allow) {
    std::set<AllowedDestination> entries;
    for (const SmtpDestination& each : allow) {
      for (const IpAddress& address : addresses_of(each.host, names_)) {
        const int shift = is_mapped_ipv4(address) ? 96 : 0;
        const auto prefix = static_cast<std::uint8_t>(each.prefix ? *each.prefix + shift : 128);
        entries.insert({0, each.port.value_or(0), prefix, without_host_bits(address, prefix)});
      }
    }
    if (entries.empty()) return 0;
    const auto [found, is_new] =
        lists_.emplace(std::move(entries), static_cast<std::uint32_t>(lists_.size() + 1));
    if (is_new) {
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
    if (Status fits =
            check(out_.accounts.size() + out_.gids.size(), mo_accounts_limit, "users and groups");
        !fits) {
      return fits;
    }
    return check(out_.allowed.size(), mo_allowed_limit, "different MailOriginSmtpAllow entries");
  }

  const Policy& policy_;
  const NameAddresses& names_;
  CompiledPolicy out_;
  std::map<std::set<AllowedDestination>, std::uint32_t> lists_;
};

void add_names(const SmtpPolicy& smtp, std::set<std::string>& names) {
  const auto add = [&](const SmtpDestination& destination) {
    if (!parse_ip_address(destination.host)) names.insert(destination.host);
  };
  for (const SmtpDestination& each : smtp.allow) add(each);
  if (smtp.rule == SmtpRule::redirect) add(smtp.relay);
}

bool covers(const AllowedDestination& entry, const IpAddress& address) {
  return without_host_bits(address, entry.prefix) == entry.address;
}

}  // namespace

std::set<std::string> names_to_resolve(const Policy& policy) {
  std::set<std::string> names;
  add_names(policy.server.smtp, names);
  for (const VhostPolicy& vhost : policy.vhosts) add_names(vhost.smtp, names);
  return names;
}

Result<CompiledPolicy> compile(const Policy& policy, const NameAddresses& names) {
  return Compiler(policy, names).run();
}

mo_decision decide_by_uid(const CompiledPolicy& policy, std::uint32_t uid,
                          const IpAddress& destination, std::uint16_t port) {
  mo_facts facts{};
  facts.uid = uid;
  facts.mode = static_cast<std::uint8_t>(policy.mode);
  facts.ipv6 = !is_mapped_ipv4(destination);
  const auto account = policy.accounts.find(uid);
  if (account != policy.accounts.end()) {
    facts.may = account->second.may != 0;
    facts.by_uid = account->second.has_vhost != 0;
    facts.vhost = account->second.vhost;
  }
  facts.policy = policy.policies.at(facts.by_uid ? facts.vhost : 0);
  facts.loopback = mo_is_loopback(destination.data()) != 0;
  facts.listed = std::any_of(
      policy.allowed.begin(), policy.allowed.end(), [&](const AllowedDestination& entry) {
        return facts.policy.list != 0 && entry.list == facts.policy.list &&
               (entry.port == 0 || entry.port == port) && covers(entry, destination);
      });
  return mo_decide(&facts);
}

}  // namespace mailorigin::firewall
