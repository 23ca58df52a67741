#include "mod_mailorigin/smtp_destination.h"

#include <algorithm>

namespace mailorigin::httpd {

namespace {

constexpr unsigned mapped_bits = 96;  // ahead of a mapped address's own

// 127.0.0.0/8 and ::1, and the unspecified addresses, which reach this host as well.
bool is_loopback(const IpAddress& address) {
  const auto is_zero = [&](std::size_t from, std::size_t to) {
    return std::all_of(address.begin() + static_cast<std::ptrdiff_t>(from),
                       address.begin() + static_cast<std::ptrdiff_t>(to),
                       [](std::uint8_t byte) { return byte == 0; });
  };
  if (is_mapped_ipv4(address)) return address[12] == 127 || is_zero(12, 16);
  return is_zero(0, 15) && address[15] <= 1;
}

bool is_in(const IpAddress& address, const IpAddress& network, unsigned bits) {
  for (std::size_t i = 0; i < address.size() && bits > 0; i++) {
    const unsigned here = std::min(bits, 8U);
    const auto mask = static_cast<std::uint8_t>(0xff00U >> here);
    if (((address[i] ^ network[i]) & mask) != 0) return false;
    bits -= here;
  }
  return true;
}

bool is_listed(const std::vector<SmtpDestination>& list, const IpAddress& address,
               std::uint16_t port, const Resolve& resolve) {
  return std::any_of(list.begin(), list.end(), [&](const SmtpDestination& each) {
    if (each.port && *each.port != port) return false;
    if (const auto network = parse_ip_address(each.host)) {
      const bool is_ipv4 = is_mapped_ipv4(*network);
      if (is_ipv4 != is_mapped_ipv4(address)) return false;  // ::/0 is all of IPv6
      const unsigned before = is_ipv4 ? mapped_bits : 0;
      return is_in(address, *network, each.prefix ? before + *each.prefix : 128);
    }
    const Addresses addresses = resolve(each.host);
    return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
  });
}

}  // namespace

SmtpVerdict judge_connection(const SmtpPolicy& policy, const IpAddress& address, std::uint16_t port,
                             const Resolve& resolve) {
  if (is_loopback(address)) return {policy.local, "MailOriginSmtpLocal"};
  if (is_listed(policy.allow, address, port, resolve)) return {Rule::allow, "MailOriginSmtpAllow"};
  switch (policy.rule) {
    case SmtpRule::allow:
      return {Rule::allow, "MailOriginSmtp"};
    case SmtpRule::observe:
      return {Rule::observe, "MailOriginSmtp"};
    case SmtpRule::deny:
    case SmtpRule::redirect:
      break;
  }
  return {Rule::deny, "MailOriginSmtp"};
}

}  // namespace mailorigin::httpd
