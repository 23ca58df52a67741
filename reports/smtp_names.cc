#include "reports/smtp_names.h"

#include <netdb.h>

#include <deque>
#include <optional>
#include <set>
#include <vector>

namespace mailorigin::reports {

namespace {

constexpr std::size_t names_limit = 256;

std::set<std::string> names_of(const Policy& policy) {
  std::set<std::string> names;
  const auto add = [&](const SmtpPolicy& smtp) {
    for (const SmtpDestination& each : smtp.allow) {
      if (!parse_ip_address(each.host)) names.insert(each.host);
    }
    if (!smtp.relay.host.empty() && !parse_ip_address(smtp.relay.host)) {
      names.insert(smtp.relay.host);
    }
  };
  add(policy.server.smtp);
  for (const VhostPolicy& vhost : policy.vhosts) add(vhost.smtp);
  return names;
}

std::optional<IpAddress> address_of(const addrinfo& found) {
  char text[NI_MAXHOST] = "";
  if (getnameinfo(found.ai_addr, found.ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) !=
      0) {
    return std::nullopt;
  }
  return parse_ip_address(text);
}

}  // namespace

// All at once: one that hangs does not add to another.
NamesOfAddresses resolve_names(const Policy& policy) {
  const std::set<std::string> names = names_of(policy);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  std::deque<gaicb> requests;
  std::vector<gaicb*> list;
  for (const std::string& name : names) {
    if (list.size() == names_limit) break;
    gaicb& request = requests.emplace_back();
    request.ar_name = name.c_str();
    request.ar_request = &hints;
    list.push_back(&request);
  }
  NamesOfAddresses out;
  if (list.empty()) return out;
  (void)getaddrinfo_a(GAI_WAIT, list.data(), static_cast<int>(list.size()), nullptr);
  for (const gaicb& request : requests) {
    for (const addrinfo* each = request.ar_result; each != nullptr; each = each->ai_next) {
      if (const auto address = address_of(*each)) out.emplace(*address, request.ar_name);
    }
    if (request.ar_result != nullptr) freeaddrinfo(request.ar_result);
  }
  return out;
}

}  // namespace mailorigin::reports
