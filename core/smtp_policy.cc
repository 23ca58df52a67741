#include "core/smtp_policy.h"

#include <arpa/inet.h>

#include <algorithm>

#include "core/enumeration.h"
#include "core/name_values.h"

namespace mailorigin {

namespace {

constexpr std::string_view mode_names[] = {"off", "observe", "on"};
constexpr std::string_view smtp_rule_names[] = {"deny", "observe", "allow", "redirect"};

Error not_a_destination(std::string_view text) {
  return Error{"'" + std::string(text) +
               "' is not a destination: a host name, or an address with or without /prefix, and "
               ":port; an IPv6 address with a port stands in brackets"};
}

bool is_host_name(std::string_view host) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  };
  return !host.empty() && host.size() <= 253 && host.front() != '-' && host.front() != '.' &&
         std::all_of(host.begin(), host.end(), allowed) &&
         std::any_of(host.begin(), host.end(),
                     [](char c) { return (c < '0' || c > '9') && c != '.'; });
}

// Takes `:port` off the end; false if it is no port.
bool take_port(std::string_view& rest, std::optional<std::uint16_t>& port) {
  const auto bracket = rest.find(']');
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos) return true;
  if (bracket != std::string_view::npos ? colon < bracket : rest.find(':') != colon) return true;
  const auto number = parse_number(rest.substr(colon + 1), UINT16_MAX);
  if (!number || *number == 0) return false;
  port = static_cast<std::uint16_t>(*number);
  rest = rest.substr(0, colon);
  return true;
}

bool take_prefix(std::string_view& rest, std::optional<std::uint8_t>& prefix) {
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos) return true;
  const auto number = parse_number(rest.substr(slash + 1), 128);
  if (!number) return false;
  prefix = static_cast<std::uint8_t>(*number);
  rest = rest.substr(0, slash);
  return true;
}

}  // namespace

std::string_view firewall_mode_name(FirewallMode mode) { return name_of(mode, mode_names); }
std::optional<FirewallMode> firewall_mode_named(std::string_view name) {
  return value_named<FirewallMode>(name, mode_names);
}

std::string_view smtp_rule_name(SmtpRule rule) { return name_of(rule, smtp_rule_names); }
std::optional<SmtpRule> smtp_rule_named(std::string_view name) {
  return value_named<SmtpRule>(name, smtp_rule_names);
}

Result<SmtpDestination> parse_smtp_destination(std::string_view text) {
  SmtpDestination destination;
  std::string_view rest = text;
  if (!take_port(rest, destination.port)) return not_a_destination(text);
  // Inside brackets or behind them, as people write it.
  if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
  if (!take_prefix(rest, destination.prefix)) return not_a_destination(text);
  if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
  destination.host = rest;
  const auto address = parse_ip_address(rest);
  if (!address && (destination.prefix || !is_host_name(rest))) return not_a_destination(text);
  if (address && destination.prefix &&
      *destination.prefix > (is_mapped_ipv4(*address) ? 32 : 128)) {
    return not_a_destination(text);
  }
  return destination;
}

std::string smtp_destination_text(const SmtpDestination& destination) {
  std::string text = destination.host;
  if (destination.prefix) text += '/' + std::to_string(*destination.prefix);
  if (!destination.port) return text;
  if (text.find(':') != std::string::npos) text = '[' + text + ']';
  return text + ':' + std::to_string(*destination.port);
}

std::optional<IpAddress> parse_ip_address(std::string_view text) {
  const std::string copy(text);
  IpAddress address{};
  if (inet_pton(AF_INET6, copy.c_str(), address.data()) == 1) return address;
  address[10] = address[11] = 0xff;
  if (inet_pton(AF_INET, copy.c_str(), address.data() + 12) == 1) return address;
  return std::nullopt;
}

bool is_mapped_ipv4(const IpAddress& address) {
  constexpr std::uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::equal(std::begin(mapped), std::end(mapped), address.begin());
}

std::string ip_address_text(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  const bool ipv4 = is_mapped_ipv4(address);
  inet_ntop(ipv4 ? AF_INET : AF_INET6, address.data() + (ipv4 ? 12 : 0), text, sizeof text);
  return text;
}

}  // namespace mailorigin
