#include "mod_mailorigin/smtp_guard.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "mod_mailorigin/configuration.h"
#include "mod_mailorigin/module.h"

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

}  // namespace

std::optional<Judgement> judge(request_rec* request, const char* host, apr_port_t port) {
  const ServerConfig& config = config_of(request->server);
  if (config.vhost == nullptr || !config.vhost->enabled) return std::nullopt;  // MailOrigin
  const ServerSettings& server = server_settings(*config.vhost);
  const FirewallMode mode = server.firewall.value_or(FirewallMode::off);  // MailOriginFirewall
  if (mode == FirewallMode::off || !is_smtp_port(server, port)) return std::nullopt;

  const SmtpPolicy policy = smtp_policy(config);
  const auto resolve = [&](const std::string& name) { return addresses_of(request->pool, name); };
  Judgement judgement;
  judgement.is_name = !parse_ip_address(host);
  for (const IpAddress& address : resolve(host)) {
    if (judgement.address.empty()) judgement.address = ip_address_text(address);
    judgement.verdict =
        strictest(judgement.verdict, judge_connection(policy, address, port, resolve));
  }
  return judgement;
}

bool refuses(request_rec* request, const SmtpVerdict& verdict, const char* where) {
  if (verdict.rule == Rule::allow) return false;
  const Vhost& vhost = *config_of(request->server).vhost;
  const bool refused =
      verdict.rule == Rule::deny && server_settings(vhost).firewall == FirewallMode::on;
  ap_log_rerror(APLOG_MARK, refused ? APLOG_ERR : APLOG_WARNING, 0, request,
                "MO0127: %s: for %s httpd %s %s: %s", vhost.name.data(), request->uri,
                refused ? "was to connect, and does not, to" : "connects to", where,
                verdict.directive);
  return refused;
}

}  // namespace mailorigin::httpd
