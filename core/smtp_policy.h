// What httpd.conf says about connections to SMTP ports: the firewall's part of
// the policy.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/rule.h"

namespace mailorigin {

// MailOriginFirewall.
enum class FirewallMode : std::uint8_t { off, observe, on };
std::string_view firewall_mode_name(FirewallMode mode);
std::optional<FirewallMode> firewall_mode_named(std::string_view name);

// One argument of MailOriginSmtpAllow: host|address[/prefix][:port].
struct SmtpDestination {
  std::string host;                    // a name or an address, without brackets
  std::optional<std::uint8_t> prefix;  // of an address: up to 32 (IPv4), 128 (IPv6)
  std::optional<std::uint16_t> port;   // any SMTP port without it
  bool operator==(const SmtpDestination&) const = default;
};
// An IPv6 address with a port stands in brackets: [2001:db8::1]:587.
Result<SmtpDestination> parse_smtp_destination(std::string_view text);
std::string smtp_destination_text(const SmtpDestination& destination);

// MailOriginSmtp.
enum class SmtpRule : std::uint8_t { deny, observe, allow, redirect };
std::string_view smtp_rule_name(SmtpRule rule);
std::optional<SmtpRule> smtp_rule_named(std::string_view name);

// Of one virtual host, or of the server.
struct SmtpPolicy {
  SmtpRule rule = SmtpRule::deny;
  SmtpDestination relay;               // of redirect: without prefix, with port
  std::vector<SmtpDestination> allow;  // MailOriginSmtpAllow
  Rule local = Rule::observe;          // MailOriginSmtpLocal
  bool operator==(const SmtpPolicy&) const = default;
};

// Of the whole host.
struct FirewallPolicy {
  FirewallMode mode = FirewallMode::off;
  std::vector<std::uint16_t> ports = {25, 465, 587};  // MailOriginSmtpPorts
  std::vector<std::uint32_t> uids;                    // MailOriginSmtpUsers; root always may
  std::vector<std::uint32_t> gids;
  std::optional<std::uint32_t> httpd_uid;  // httpd's own User: any virtual host may be behind it
};

// An address as sixteen bytes in network order, IPv4 mapped (::ffff:0:0/96).
using IpAddress = std::array<std::uint8_t, 16>;
// Nothing for what is no numeric address.
std::optional<IpAddress> parse_ip_address(std::string_view text);
bool is_mapped_ipv4(const IpAddress& address);
// IPv4 in its own notation.
std::string ip_address_text(const IpAddress& address);

}  // namespace mailorigin
