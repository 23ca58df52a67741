// CompiledPolicy: the firewall's part of httpd's policy, as the kernel's maps and
// the nftables rules need it: numbers and addresses, every name resolved.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/blocks.h"
#include "core/policy.h"
#include "core/result.h"
#include "firewall/kernel/maps.h"

namespace mailorigin::firewall {

// A name's addresses; none where it does not resolve (yet).
using NameAddresses = std::map<std::string, std::vector<IpAddress>>;

// What a list allows.
struct AllowedDestination {
  std::uint32_t list = 0;
  std::uint16_t port = 0;  // 0: any
  std::uint8_t prefix = 128;
  IpAddress address{};  // the bits behind the prefix are zero
  auto operator<=>(const AllowedDestination&) const = default;
};

struct PolicyOrder {
  bool operator()(const mo_policy& one, const mo_policy& other) const;
};
using Policies = std::set<mo_policy, PolicyOrder>;

struct CompiledPolicy {
  FirewallMode mode = FirewallMode::off;  // MailOriginFirewall
  std::set<std::uint16_t> ports;          // MailOriginSmtpPorts
  std::set<std::uint32_t> uids;           // MailOriginSmtpUsers; root is not among them
  std::set<std::uint32_t> gids;
  std::map<std::uint32_t, mo_policy> policies;    // by virtual host; 0: the server
  std::set<std::uint32_t> off;                    // of these, with MailOrigin Off
  std::map<std::uint32_t, std::uint32_t> run_as;  // of these: a MailOriginRunAs by name
  std::map<std::uint32_t, mo_account> accounts;   // by uid
  std::set<std::uint32_t> blocked_users;          // `mailorigin block user:`; never root
  std::uint32_t blocks = 0;                       // enum mo_blocks
  mo_policy nobodys{};                            // without a context, of any other uid
  // Of the virtual hosts that run as a uid; of those that may run as any.
  std::map<std::uint32_t, Policies> hosts_of;
  Policies anybodys;
  std::vector<AllowedDestination> allowed;  // sorted, each once
  std::uint32_t lists = 0;                  // their ids are 1 to this
};

// The names in MailOriginSmtpAllow and redirect, each once.
std::set<std::string> names_to_resolve(const Policy& policy);

// Fails where the policy is larger than the kernel's maps (kernel/maps.h: half of
// their entries, because two generations stand beside each other). A relay whose
// name has no address yet makes its rule `deny`. Of the blocks, all of which are in force, those
// of sites and users count: of scripts and clients the kernel knows nothing.
Result<CompiledPolicy> compile(const Policy& policy, const NameAddresses& names,
                               const Blocks& blocks = {});

// What the hooks would do, with what is known of who connects (mode, family and destination are
// put in here).
mo_decision decide(const CompiledPolicy& policy, mo_facts facts, const IpAddress& destination,
                   std::uint16_t port);
bool is_listed(const CompiledPolicy& policy, std::uint32_t list, const IpAddress& destination,
               std::uint16_t port);

// What they would do with a connection that shows no context.
mo_decision decide_by_uid(const CompiledPolicy& policy, std::uint32_t uid,
                          const IpAddress& destination, std::uint16_t port);

// Whether some virtual host of that uid may have the connection, or it needs no context. Of
// a uid that no virtual host is known to run as, nothing is known here: it may.
bool may_be_open(const CompiledPolicy& policy, std::uint32_t uid, const IpAddress& destination,
                 std::uint16_t port);

}  // namespace mailorigin::firewall
