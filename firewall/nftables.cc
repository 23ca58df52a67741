#include "firewall/nftables.h"

#include <nftables/libnftables.h>

#include <compare>
#include <cstdint>
#include <set>
#include <utility>

namespace mailorigin::firewall {

namespace {

// Lines in the kernel's log are for people; a flood of them is for nobody.
// Tools that count refused connections look for OUT: what passes has another name.
std::string log_statement(FirewallMode mode) {
  const std::string prefix =
      mode == FirewallMode::on ? "MAILORIGIN_SMTP_OUT " : "MAILORIGIN_SMTP_OBSERVE ";
  return "limit rate 10/second burst 50 packets log prefix \"" + prefix + "\" flags skuid";
}

template <class Numbers>
std::string set_of(const Numbers& numbers) {
  std::string text = "{ ";
  for (const auto number : numbers) {
    if (text.size() > 2) text += ", ";
    text += std::to_string(number);
  }
  return text + " }";
}

// Only what begins a connection: a socket whose process has gone has no uid, and
// its last FIN is to get through. That is also what most packets are not, and so
// it is asked first.
std::string begins_smtp(const CompiledPolicy& policy) {
  return "tcp flags & (fin|syn|rst|ack) == syn tcp dport " + set_of(policy.ports) + " ";
}

std::string refuse(const CompiledPolicy& policy) {
  std::string rules = "    " + log_statement(policy.mode) + "\n";
  if (policy.mode == FirewallMode::on) rules += "    reject with tcp reset\n";
  return rules;
}

std::string hexadecimal(std::uint32_t number) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text = "0x";
  for (int shift = 28; shift >= 0; shift -= 4) text += digits[number >> shift & 15];
  return text;
}

constexpr const char* hook = "    type filter hook output priority 0; policy accept;\n";

bool is_blocked(const CompiledPolicy& policy, std::uint32_t uid, const mo_account& account) {
  return account.policy.rule == mo_rule_blocked || policy.blocked_users.contains(uid);
}

// Where users alone can be told apart, a site's user is blocked with all that it runs.
std::set<std::uint32_t> blocked_users(const CompiledPolicy& policy) {
  std::set<std::uint32_t> users = policy.blocked_users;
  for (const auto& [uid, account] : policy.accounts) {
    if (account.policy.rule == mo_rule_blocked) users.insert(uid);
  }
  users.erase(0);
  return users;
}

// Of whom nothing is asked but where a loopback address is closed.
bool is_free(const mo_account& account) {
  return account.has_vhost != 0 &&
         (account.policy.rule == mo_rule_allow || account.policy.rule == mo_rule_observe);
}

bool passes(const mo_account& account) {
  return account.may != 0 || (is_free(account) && account.policy.local != mo_local_deny);
}

std::set<std::uint32_t> users_that_may(const CompiledPolicy& policy) {
  std::set<std::uint32_t> users{0};
  for (const auto& [uid, account] : policy.accounts) {
    if (passes(account) && !is_blocked(policy, uid, account)) users.insert(uid);
  }
  return users;
}

// What remains of a policy here: whether loopback is open, and its list.
struct Chain {
  bool loopback = false;
  bool all = false;  // other destinations, whatever the list
  std::uint32_t list = 0;
  auto operator<=>(const Chain&) const = default;

  [[nodiscard]] std::string name() const {
    return std::string(loopback ? "open_" : "closed_") + (all ? "all" : std::to_string(list));
  }
};

Chain chain_of(const mo_policy& policy, bool all = false) {
  return {policy.local != mo_local_deny, all, all ? 0 : policy.list};
}

std::string accept_destination(const AllowedDestination& entry) {
  const bool ipv4 = is_mapped_ipv4(entry.address) && entry.prefix >= 96;
  std::string rule = ipv4 ? "    ip daddr " : "    ip6 daddr ";
  rule += ip_address_text(entry.address) + "/" + std::to_string(entry.prefix - (ipv4 ? 96 : 0));
  if (entry.port != 0) rule += " tcp dport " + std::to_string(entry.port);
  return rule + " accept\n";
}

// The reset ends a connection as soon as its socket can take it. By the ends that the socket has:
// before NAT changes them.
std::string refuse_held_up(const Closer::Connections& held_up) {
  if (held_up.empty()) return {};
  std::string ipv4, ipv6;
  for (const auto& [cookie, each] : held_up) {
    const bool is_ipv4 = is_mapped_ipv4(each.to);
    std::string& list = is_ipv4 ? ipv4 : ipv6;
    list += (list.empty() ? "" : ", ") + ip_address_text(each.from) + " . " +
            std::to_string(each.from_port) + " . " + ip_address_text(each.to) + " . " +
            std::to_string(each.to_port);
  }
  std::string rules =
      "  chain held_up {\n    type filter hook output priority -300; policy accept;\n";
  for (const auto& [protocol, list] : {std::pair{"ip", &ipv4}, std::pair{"ip6", &ipv6}}) {
    if (list->empty()) continue;
    rules += std::string("    ") + protocol + " saddr . tcp sport . " + protocol +
             " daddr . tcp dport { " + *list + " } reject with tcp reset\n";
  }
  return rules + "  }\n";
}

}  // namespace

std::string marked_rules(const CompiledPolicy& policy, Mark mark,
                         const Closer::Connections& held_up) {
  const std::string unmarked =
      "meta mark & " + hexadecimal(mark.mask) + " != " + hexadecimal(mark.value);
  return refuse_held_up(held_up) + "  chain smtp {\n" + refuse(policy) + "  }\n  chain output {\n" +
         hook + "    " + begins_smtp(policy) + unmarked + " jump smtp\n  }\n";
}

std::string uid_rules(const CompiledPolicy& policy, const Closer::Connections& held_up) {
  const mo_policy& nobodys = policy.nobodys;
  const std::set<std::uint32_t> blocked = blocked_users(policy);
  std::set<Chain> chains;
  if (nobodys.rule != mo_rule_blocked) chains.insert(chain_of(nobodys));
  std::string users;
  for (const auto& [uid, account] : policy.accounts) {
    if (passes(account) || blocked.contains(uid)) continue;
    const Chain chain = chain_of(account.policy, is_free(account));
    chains.insert(chain);
    users += (users.empty() ? "" : ", ") + std::to_string(uid) + " : goto " + chain.name();
  }
  std::string rules = "  chain refused {\n" + refuse(policy) + "  }\n";
  if (policy.blocks != 0) {
    rules += "  chain blocked {\n    " + log_statement(FirewallMode::on) +
             "\n    reject with tcp reset\n  }\n";
  }
  for (const Chain& chain : chains) {
    // MailOriginSmtpLocal goes before the rule and the list, which may have such addresses.
    const char* const verdict = chain.loopback ? " accept\n" : " goto refused\n";
    rules += "  chain " + chain.name() + " {\n    ip daddr 127.0.0.0/8" + verdict +
             "    ip6 daddr ::1" + verdict;
    for (const AllowedDestination& entry : policy.allowed) {
      if (entry.list == chain.list) rules += accept_destination(entry);
    }
    rules += chain.all ? "    accept\n  }\n" : "    goto refused\n  }\n";
  }
  rules += "  chain smtp {\n";
  if (!blocked.empty()) rules += "    meta skuid " + set_of(blocked) + " goto blocked\n";
  rules += "    meta skuid " + set_of(users_that_may(policy)) + " accept\n";
  if (!policy.gids.empty()) rules += "    meta skgid " + set_of(policy.gids) + " accept\n";
  if (!users.empty()) rules += "    meta skuid vmap { " + users + " }\n";
  // A socket that is nobody's has no uid at all, and matches neither.
  const bool no_one = nobodys.rule == mo_rule_blocked;
  rules +=
      "    meta skuid 0-4294967294 goto " + (no_one ? "blocked" : chain_of(nobodys).name()) + "\n";
  rules += "    goto refused\n  }\n";
  return rules + refuse_held_up(held_up) + "  chain output {\n" + hook + "    " +
         begins_smtp(policy) + "jump smtp\n  }\n";
}

void Nftables::Free::operator()(nft_ctx* context) const { nft_ctx_free(context); }

Nftables::Nftables() : context_(nft_ctx_new(NFT_CTX_DEFAULT)) {
  if (!context_) return;
  nft_ctx_buffer_output(context_.get());
  nft_ctx_buffer_error(context_.get());
  // Numbers, so that no name service is asked.
  nft_ctx_output_set_flags(context_.get(), NFT_CTX_OUTPUT_NUMERIC_ALL);
}

Nftables::~Nftables() = default;

Result<std::string> Nftables::run(const std::string& commands) {
  if (!context_) return Error{"libnftables cannot be used"};
  const int failed = nft_run_cmd_from_buffer(context_.get(), commands.c_str());
  std::string output = nft_ctx_get_output_buffer(context_.get());
  std::string fault = nft_ctx_get_error_buffer(context_.get());
  if (failed == 0) return output;
  fault = fault.substr(0, fault.find('\n'));
  return Error{"nftables: " + (fault.empty() ? "the kernel refuses" : fault)};
}

std::optional<std::string> Nftables::listed() {
  auto text = run("list table inet mailorigin\n");
  if (!text) return std::nullopt;
  return *std::move(text);
}

Status Nftables::load(const std::string& rules) {
  loaded_.reset();
  const auto done =
      run("add table inet mailorigin\ndelete table inet mailorigin\ntable inet mailorigin {\n" +
          rules + "}\n");
  if (!done) return done.error();
  loaded_ = listed();
  return Done{};
}

bool Nftables::is_intact() { return loaded_ && listed() == loaded_; }

bool Nftables::remove() {
  loaded_.reset();
  return static_cast<bool>(run("delete table inet mailorigin\n"));
}

}  // namespace mailorigin::firewall
