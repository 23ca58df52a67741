#include "mod_mailorigin/smtp_guard.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "mod_mailorigin/configuration.h"
#include "mod_mailorigin/module.h"
#include "mod_mailorigin/request_record.h"

APLOG_USE_MODULE(mailorigin);

namespace mailorigin::httpd {

namespace {

apr_sockaddr_t* resolve(apr_pool_t* pool, const char* host) {
  apr_sockaddr_t* addresses = nullptr;
  return apr_sockaddr_info_get(&addresses, host, APR_UNSPEC, 0, 0, pool) == APR_SUCCESS ? addresses
                                                                                        : nullptr;
}

std::optional<IpAddress> ip_address(const apr_sockaddr_t& address) {
  char text[64];
  if (apr_sockaddr_ip_getbuf(text, sizeof text, const_cast<apr_sockaddr_t*>(&address)) != 0) {
    return std::nullopt;
  }
  // Without the zone of a link-local one.
  return parse_ip_address(std::string_view(text).substr(0, std::strcspn(text, "%")));
}

Addresses addresses_of(apr_pool_t* pool, const std::string& name) {
  Addresses addresses;
  for (const apr_sockaddr_t* each = resolve(pool, name.c_str()); each != nullptr;
       each = each->next) {
    if (const auto address = ip_address(*each)) addresses.push_back(*address);
  }
  return addresses;
}

// MailOriginSmtpPorts
bool is_smtp_port(const ServerSettings& server, apr_port_t port) {
  static const std::vector<std::uint16_t> default_ports = FirewallPolicy{}.ports;
  const auto& ports = server.smtp_ports != nullptr ? *server.smtp_ports : default_ports;
  return std::find(ports.begin(), ports.end(), port) != ports.end();
}

SmtpVerdict strictest(const SmtpVerdict& one, const SmtpVerdict& other) {
  return other.rule > one.rule ? other : one;
}

const ServerSettings& server_settings(const Vhost& vhost) {
  return server_settings_of(vhost.configuration->main_server);
}

// MailOriginFirewall
FirewallMode firewall_mode(const Vhost& vhost) {
  return server_settings(vhost).firewall.value_or(FirewallMode::off);
}

Verdict verdict_of(Rule rule, FirewallMode mode) {
  if (rule == Rule::allow) return Verdict::allow;
  return rule == Rule::deny && mode == FirewallMode::on ? Verdict::deny : Verdict::observe;
}

const JudgedDestination* find_judged(const RequestRecord& record,
                                     const DeputedDestination& destination) {
  const JudgedDestination* each = record.judged;
  while (each != nullptr &&
         (each->port != destination.port || destination.address != each->address)) {
    each = each->next;
  }
  return each;
}

void say(request_rec* request, const Judgement& judgement, const char* where, Verdict verdict,
         const Told& told) {
  const Vhost& vhost = *config_of(request->server).vhost;
  std::string about = told.cause;
  if (!told.event.empty()) about += (about.empty() ? "event " : ", event ") + told.event;
  if (!told.missing.empty()) {
    about += (about.empty() ? "no event: " : ", no event: ") + told.missing;
  }
  if (!about.empty()) about = " (" + about + ')';
  const char* directive = judgement.verdict.directive;
  if (told.is_blocked) {
    directive = "mailorigin block";
  } else if (verdict == Verdict::deny && judgement.verdict.rule != Rule::deny) {
    directive = "mailorigind has not answered";
  }
  if (verdict == Verdict::allow) {
    ap_log_rerror(
        APLOG_MARK, APLOG_WARNING, 0, request,
        "MO0150: %s: for %s httpd connects to %s, as %s allows, and there is no record of "
        "it%s",
        vhost.name.data(), request->uri, where, directive, about.c_str());
    return;
  }
  const bool refused = verdict == Verdict::deny;
  ap_log_rerror(APLOG_MARK, refused ? APLOG_ERR : APLOG_WARNING, 0, request,
                "MO0127: %s: for %s httpd %s %s: %s%s", vhost.name.data(), request->uri,
                refused ? "was to connect, and does not, to" : "connects to", where, directive,
                about.c_str());
}

}  // namespace

std::optional<Judgement> judge(request_rec* request, const char* host, apr_port_t port) {
  const ServerConfig& config = config_of(request->server);
  if (config.vhost == nullptr) return std::nullopt;
  if (firewall_mode(*config.vhost) == FirewallMode::off ||
      !is_smtp_port(server_settings(*config.vhost), port)) {
    return std::nullopt;
  }
  const SmtpPolicy policy = smtp_policy(config);
  const auto resolve = [&](const std::string& name) { return addresses_of(request->pool, name); };
  Judgement judgement{{Rule::allow, "MailOrigin Off"}, !parse_ip_address(host), {host, "", port}};
  for (const IpAddress& address : resolve(host)) {
    std::string& first = judgement.destination.address;
    if (first.empty()) first = ip_address_text(address);
    if (!config.vhost->enabled) continue;  // MailOrigin
    const SmtpVerdict verdict = judge_connection(policy, address, port, resolve);
    judgement.verdict =
        judgement.verdict.rule == Rule::allow ? verdict : strictest(judgement.verdict, verdict);
  }
  return judgement;
}

bool refuses(request_rec* request, const Judgement& judgement, const char* where) {
  const Vhost& vhost = *config_of(request->server).vhost;
  request_rec* const asked = original(request);
  RequestRecord& record = ensure_record(asked);
  if (const auto* const before = find_judged(record, judgement.destination)) {
    return before->is_refused;
  }
  Verdict verdict = verdict_of(judgement.verdict.rule, firewall_mode(vhost));
  const Told told = tell_of_connection(request, judgement.destination, judgement.verdict, verdict,
                                       record.has_waited_in_vain);
  record.has_waited_in_vain = record.has_waited_in_vain || told.may_be_blocked;
  // Who brings that about must not get around a block by it.
  const bool is_refused_unheard = told.may_be_blocked && firewall_mode(vhost) == FirewallMode::on;
  if (told.is_blocked || is_refused_unheard) verdict = Verdict::deny;
  // An allowed one needs no line where it is an event; under MailOrigin Off it needs neither.
  if (verdict != Verdict::allow || (!told.missing.empty() && vhost.enabled)) {
    say(request, judgement, where, verdict, told);
  }
  const bool is_refused = verdict == Verdict::deny;
  if (is_refused) record.of_php = nullptr;  // whose process has not been reached
  auto* const judged =
      static_cast<JudgedDestination*>(apr_pcalloc(asked->pool, sizeof(JudgedDestination)));
  *judged = {apr_pstrdup(asked->pool, judgement.destination.address.c_str()),
             judgement.destination.port, is_refused, record.judged};
  record.judged = judged;
  return is_refused;
}

}  // namespace mailorigin::httpd
