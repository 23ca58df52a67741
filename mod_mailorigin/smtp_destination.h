// Whether httpd may connect to an SMTP port for a request: the firewall's rules, asked
// before the kernel is. Knows no httpd.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/smtp_policy.h"

namespace mailorigin::httpd {

// The addresses of a name; empty if it has none.
using Addresses = std::vector<IpAddress>;
using Resolve = std::function<Addresses(const std::string& name)>;

struct SmtpVerdict {
  Rule rule = Rule::allow;
  const char* directive = "";  // that says so
};

// What the kernel's programs would say of a verified process of that virtual host,
// except that httpd is led to no relay: `redirect` refuses.
SmtpVerdict judge_connection(const SmtpPolicy& policy, const IpAddress& address, std::uint16_t port,
                             const Resolve& resolve);

}  // namespace mailorigin::httpd
