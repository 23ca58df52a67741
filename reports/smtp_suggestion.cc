#include "reports/smtp_suggestion.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "core/counted.h"
#include "core/event.h"
#include "reports/accounts.h"
#include "store/schema.h"

namespace mailorigin::reports {

using nlohmann::json;
using store::Connections;

namespace {

constexpr std::size_t connections_limit = 10'000;  // that differ

// What is less is odd: it may be anything, and somebody looks at it first.
constexpr std::uint64_t usual_connections = 5;
constexpr std::uint64_t usual_days = 3;
// Who has one relay, or a few, does not connect to more addresses than this.
constexpr std::size_t relays_limit = 16;
constexpr std::uint16_t delivery_port = 25;
// So many of one network are a service that has it.
constexpr std::size_t addresses_of_a_service = 4;
constexpr std::uint8_t ipv4_network = 24;
constexpr std::uint8_t ipv6_network = 64;

struct Span {
  std::uint64_t since_ms, now_ms;
  [[nodiscard]] std::uint64_t days() const { return (now_ms - since_ms) / store::day_ms + 1; }
};

// Of one directive.
struct Use {
  std::uint64_t connections = 0;
  std::uint64_t days = 0;  // at least
  std::uint64_t first_ms = UINT64_MAX, last_ms = 0;
  std::string program{};
  std::uint64_t by_httpd = 0;      // of the connections: of httpd itself
  std::set<std::string> causes{};  // of these, as far as they are known

  void add(const Connections& more) {
    Use one{more.count, more.days, more.first_ms, more.last_ms, more.program};
    if (more.by_httpd) {
      one.by_httpd = more.count;
      if (!more.cause.empty()) one.causes.insert(more.cause);
    }
    add(one);
  }
  void add(const Use& more) {
    connections += more.connections;
    by_httpd += more.by_httpd;
    causes.insert(more.causes.begin(), more.causes.end());
    days = std::max(days, more.days);
    first_ms = std::min(first_ms, more.first_ms);
    last_ms = std::max(last_ms, more.last_ms);
    if (program.empty()) program = more.program;
  }
};

struct Suggestion {
  std::string directive;
  Use use;
  std::string doubt;  // empty: none
};

std::string rareness(const Use& use, const Span& span) {
  if (use.connections < usual_connections) {
    return "only " + counted(use.connections, "connection");
  }
  const std::uint64_t wanted = std::min(usual_days, span.days());
  if (use.days >= wanted) return "";
  return use.days == 1 ? "on one day only" : "on " + std::to_string(use.days) + " days only";
}

// What becomes of httpd's own connections, that requests lead it to: MailOriginSmtpAllow has it
// connect, and the kernel then judges its user.
struct HttpdsOwn {
  std::string user;
  bool refused = false;
  bool refused_locally = false;  // a loopback address
};

std::string doubt_about_httpd(const Use& use, const HttpdsOwn& httpd, bool refused) {
  if (!refused || use.by_httpd < use.connections) return "";
  const std::size_t others = use.causes.empty() ? 0 : use.causes.size() - 1;
  return "httpd itself connects" +
         (use.causes.empty() ? std::string() : ", led by " + *use.causes.begin()) +
         (others > 0 ? " and " + std::to_string(others) + " more" : std::string()) +
         ", and its user " + httpd.user +
         " is refused all the same unless MailOriginSmtpUsers names it";
}

json facts(const Suggestion& suggestion) {
  const Use& use = suggestion.use;
  json out = {{"directive", suggestion.directive},
              {"connections", use.connections},
              {"days", use.days},
              {"first", rfc3339(use.first_ms)},
              {"last", rfc3339(use.last_ms)}};
  if (!use.program.empty()) out["program"] = use.program;
  if (!use.causes.empty()) out["causes"] = use.causes;
  if (!suggestion.doubt.empty()) out["doubt"] = suggestion.doubt;
  return out;
}

json all_facts(std::vector<Suggestion> suggestions) {
  std::stable_sort(suggestions.begin(), suggestions.end(), [](const auto& one, const auto& other) {
    return one.use.connections > other.use.connections;
  });
  json out = json::array();
  for (const Suggestion& each : suggestions) out.push_back(facts(each));
  return out;
}

IpAddress network_of(IpAddress address, std::uint8_t prefix) {
  const std::size_t kept = (is_mapped_ipv4(address) ? 12 : 0) + prefix / 8U;
  std::fill(address.begin() + static_cast<std::ptrdiff_t>(kept), address.end(), std::uint8_t{0});
  return address;
}

bool within(const IpAddress& address, const IpAddress& network, unsigned bits) {
  for (std::size_t i = 0; i < address.size() && bits > 0; i++) {
    const unsigned here = std::min(bits, 8U);
    const unsigned mask = (0xFF00U >> here) & 0xFFU;
    if ((address[i] & mask) != (network[i] & mask)) return false;
    bits -= here;
  }
  return true;
}

// Whether it is in the list already, which may be younger than the connection.
bool lets_through(const std::vector<SmtpDestination>& list, const IpAddress& address,
                  std::uint16_t port, const std::string& name) {
  return std::any_of(list.begin(), list.end(), [&](const SmtpDestination& each) {
    if (each.port && *each.port != port) return false;
    const auto network = parse_ip_address(each.host);
    if (!network) return each.host == name;
    const unsigned before = is_mapped_ipv4(*network) ? 96 : 0;
    return within(address, *network, each.prefix ? before + *each.prefix : 128);
  });
}

// What is asked of one site, all its ports.
class SiteOfSuggestions {
 public:
  SiteOfSuggestions(std::vector<const VhostPolicy*> ports, HttpdsOwn httpd)
      : ports_(std::move(ports)), httpd_(std::move(httpd)) {}

  void add(const Connections& connections, const IpAddress& address, const std::string& name) {
    const auto port = static_cast<std::uint16_t>(connections.port);
    const bool listed = std::all_of(ports_.begin(), ports_.end(), [&](const VhostPolicy* each) {
      return lets_through(each->smtp.allow, address, port, name);
    });
    if (listed) return;
    addresses_[{name, port}][address].add(connections);
    if (port == delivery_port) delivered_to_.insert(address);
  }
  void add_local(const Connections& connections) { local_.add(connections); }

  [[nodiscard]] std::uint64_t connections() const {
    std::uint64_t sum = local_.connections;
    for (const auto& [where, all] : addresses_) {
      for (const auto& [address, use] : all) sum += use.connections;
    }
    return sum;
  }

  [[nodiscard]] json facts(const Span& span) const {
    std::vector<Suggestion> suggestions;
    for (const auto& [where, addresses] : addresses_) {
      const auto& [name, port] = where;
      if (name.empty()) {
        add_networks(suggestions, addresses, port, span);
      } else {
        Use use;
        for (const auto& [address, each] : addresses) use.add(each);
        suggestions.push_back(allowing({name, std::nullopt, port}, use, span));
      }
    }
    if (local_.connections > 0) {
      std::string doubt = doubt_about_httpd(local_, httpd_, httpd_.refused_locally);
      if (doubt.empty()) doubt = rareness(local_, span);
      suggestions.push_back({"MailOriginSmtpLocal observe", local_, std::move(doubt)});
    }
    json vhosts = json::array();
    for (const VhostPolicy* each : ports_) vhosts.push_back(each->name);
    return {{"site", ports_.front()->site},
            {"vhosts", std::move(vhosts)},
            {"allowed", allowed()},
            {"suggestions", all_facts(std::move(suggestions))}};
  }

 private:
  using Addresses = std::map<IpAddress, Use>;

  [[nodiscard]] Suggestion allowing(const SmtpDestination& destination, const Use& use,
                                    const Span& span) const {
    std::string doubt = doubt_about_httpd(use, httpd_, httpd_.refused);
    if (doubt.empty()) doubt = rareness(use, span);
    if (doubt.empty() && destination.port == delivery_port && delivered_to_.size() > relays_limit) {
      doubt = "one of " + std::to_string(delivered_to_.size()) +
              " addresses on port 25, as of what delivers mail by itself";
    }
    return {"MailOriginSmtpAllow " + smtp_destination_text(destination), use, std::move(doubt)};
  }

  void add_networks(std::vector<Suggestion>& suggestions, const Addresses& addresses,
                    std::uint16_t port, const Span& span) const {
    std::map<IpAddress, std::vector<Addresses::const_iterator>> networks;
    for (auto each = addresses.begin(); each != addresses.end(); ++each) {
      networks[network_of(each->first, prefix_of(each->first))].push_back(each);
    }
    for (const auto& [network, members] : networks) {
      if (members.size() < addresses_of_a_service) {
        for (const auto& each : members) {
          suggestions.push_back(
              allowing({ip_address_text(each->first), std::nullopt, port}, each->second, span));
        }
        continue;
      }
      Use use;
      for (const auto& each : members) use.add(each->second);
      suggestions.push_back(
          allowing({ip_address_text(network), prefix_of(network), port}, use, span));
    }
  }

  static std::uint8_t prefix_of(const IpAddress& address) {
    return is_mapped_ipv4(address) ? ipv4_network : ipv6_network;
  }

  // What is suggested takes the place of it, where it stands in a section or in a virtual host
  // that has no list of its own.
  [[nodiscard]] json allowed() const {
    json out = json::array();
    for (const VhostPolicy* vhost : ports_) {
      for (const SmtpDestination& each : vhost->smtp.allow) {
        std::string text = smtp_destination_text(each);
        if (std::find(out.begin(), out.end(), text) == out.end()) out.push_back(std::move(text));
      }
    }
    return out;
  }

  const std::vector<const VhostPolicy*> ports_;  // never none
  const HttpdsOwn httpd_;
  std::map<std::pair<std::string, std::uint16_t>, Addresses> addresses_;
  std::set<IpAddress> delivered_to_;
  Use local_;
};

class Suggesting {
 public:
  Suggesting(const Policy& policy, const NamesOfAddresses& names, Span span)
      : policy_(policy), names_(names), span_(span) {
    for (const VhostPolicy& vhost : policy.vhosts) {
      by_name_.emplace(vhost.name, &vhost);
      ports_[vhost.site].push_back(&vhost);
      if (vhost.run_as) tenants_.insert(*vhost.run_as);
      if (vhost.enabled && !vhost.run_as && vhost.user.empty()) any_user_ = true;
    }
  }

  void add(const Connections& connections) {
    const auto address = parse_ip_address(connections.dst);
    if (!address || connections.port > UINT16_MAX) return;
    all_ += connections.count;
    if (connections.reason == "unverified" || connections.vhost.empty()) {
      add_user(connections);
      return;
    }
    const auto found = by_name_.find(connections.vhost);
    if (found == by_name_.end()) {
      leave_out(connections.vhost == policy_.server.name
                    ? "requests outside of virtual hosts: what the server allows, its hosts "
                      "without a list are allowed, too"
                    : connections.vhost + ": there is no such virtual host any more",
                connections);
      return;
    }
    add_site(*found->second, *address, connections);
  }

  [[nodiscard]] json report(bool complete) const {
    std::vector<Suggestion> users;
    for (const auto& [uid, use] : users_) {
      users.push_back({"MailOriginSmtpUsers " + user_text(uid), use, doubt_about(uid, use)});
    }
    std::vector<const SiteOfSuggestions*> sites;
    for (const auto& [name, site] : sites_) {
      if (site.connections() > 0) sites.push_back(&site);
    }
    std::stable_sort(sites.begin(), sites.end(), [](const auto* one, const auto* other) {
      return one->connections() > other->connections();
    });
    json out = {{"since", rfc3339(span_.since_ms)},
                {"connections", all_},
                {"complete", complete},
                {"users", all_facts(std::move(users))},
                {"sites", json::array()},
                {"left_out", json::array()}};
    for (const SiteOfSuggestions* each : sites) out["sites"].push_back(each->facts(span_));
    for (const auto& [text, use] : left_out_) {
      out["left_out"].push_back({{"text", text}, {"connections", use.connections}});
    }
    return out;
  }

 private:
  void leave_out(const std::string& why, const Connections& connections) {
    left_out_[why].add(connections);
  }

  void add_site(const VhostPolicy& vhost, const IpAddress& address,
                const Connections& connections) {
    SiteOfSuggestions& site =
        sites_.try_emplace(vhost.site, ports_[vhost.site], httpds_own(vhost.site)).first->second;
    if (connections.reason == "smtp-local") {
      if (vhost.smtp.local == Rule::deny) site.add_local(connections);
    } else if (vhost.smtp.rule == SmtpRule::deny || vhost.smtp.rule == SmtpRule::observe) {
      const auto name = names_.find(address);
      site.add(connections, address, name == names_.end() ? "" : name->second);
    }
  }

  // Whose user is under the strictest rule of all virtual hosts, and no list.
  [[nodiscard]] HttpdsOwn httpds_own(const std::string& site) const {
    const FirewallPolicy& firewall = policy_.firewall;
    if (!firewall.httpd_uid) return {};
    HttpdsOwn own{user_text(*firewall.httpd_uid)};
    if (std::find(firewall.uids.begin(), firewall.uids.end(), *firewall.httpd_uid) !=
        firewall.uids.end()) {
      return own;
    }
    own.refused = policy_.server.smtp.rule != SmtpRule::observe;
    own.refused_locally = policy_.server.smtp.local == Rule::deny;
    for (const VhostPolicy& vhost : policy_.vhosts) {
      if (!vhost.enabled) continue;
      const SmtpRule rule = vhost.smtp.rule;
      own.refused |= rule != SmtpRule::observe && rule != SmtpRule::allow;
      own.refused_locally |= vhost.site != site && vhost.smtp.local == Rule::deny;
    }
    return own;
  }

  void add_user(const Connections& connections) {
    if (!connections.uid) return;
    const std::uint32_t uid = *connections.uid;
    const FirewallPolicy& firewall = policy_.firewall;
    if (std::find(firewall.uids.begin(), firewall.uids.end(), uid) != firewall.uids.end()) return;
    if (connections.reason == "smtp-local" && policy_.server.smtp.local != Rule::deny) return;
    if (uid == firewall.httpd_uid) {
      leave_out("httpd's own user " + user_text(uid) +
                    ": any virtual host may be behind it. MailOriginRunAs tells them apart; what "
                    "a request led httpd itself to is told of at its site, too",
                connections);
      return;
    }
    if (tenants_.contains(uid)) {
      leave_out("user " + user_text(uid) +
                    ", without a request, whom several sites run as: a destination of theirs has "
                    "to be in the MailOriginSmtpAllow of each",
                connections);
      return;
    }
    users_[uid].add(connections);
  }

  [[nodiscard]] std::string doubt_about(std::uint32_t uid, const Use& use) const {
    if (user_text(uid).starts_with('#')) return "no account has this uid";
    if (any_user_) return "a virtual host without MailOriginRunAs may run as this user";
    return rareness(use, span_);
  }

  const Policy& policy_;
  const NamesOfAddresses& names_;
  const Span span_;
  std::map<std::string, const VhostPolicy*> by_name_;
  std::map<std::string, std::vector<const VhostPolicy*>> ports_;  // of each site
  std::set<std::uint32_t> tenants_;
  bool any_user_ = false;  // there is a virtual host that may run as anybody
  std::map<std::string, SiteOfSuggestions> sites_;
  std::map<std::uint32_t, Use> users_;
  std::map<std::string, Use> left_out_;
  std::uint64_t all_ = 0;
};

}  // namespace

json smtp_suggestion(const Policy& policy, const std::vector<Connections>& connections,
                     const NamesOfAddresses& names, std::uint64_t since_ms, std::uint64_t now_ms) {
  Suggesting suggesting(policy, names, {since_ms, now_ms});
  for (const Connections& each : connections) suggesting.add(each);
  return suggesting.report(connections.size() < connections_limit);
}

Result<json> smtp_suggestion_of(OpenStore& opened, std::uint64_t span_ms, std::uint64_t now_ms) {
  if (!opened.policy) {
    return Error{"no policy is known: httpd has to have been started with mod_mailorigin"};
  }
  const std::uint64_t since_ms = now_ms - std::min(now_ms, span_ms);
  const auto connections = opened.store([&](store::Reader& reader) {
    return reader.refused_connections(since_ms, connections_limit);
  });
  if (!connections) return connections.error();
  return smtp_suggestion(*opened.policy, *connections, resolve_names(*opened.policy), since_ms,
                         now_ms);
}

}  // namespace mailorigin::reports
