#include "mod_mailorigin/proxy_guard.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>

#include "mod_mailorigin/config.h"
#include "mod_mailorigin/configuration.h"
#include "mod_mailorigin/httpd_api.h"
#include "mod_mailorigin/module.h"
#include "mod_mailorigin/report.h"
#include "mod_mailorigin/smtp_destination.h"

extern "C" {
#include <mod_proxy.h>
}

APLOG_USE_MODULE(mailorigin);

namespace mailorigin::httpd {

namespace {

// mod_proxy's, found while the configuration is read: this module is to be loaded
// without it as well.
struct ProxyFunctions {
  decltype(&proxy_hook_scheme_handler) hook = nullptr;
  decltype(&proxy_run_scheme_handler) run = nullptr;
  decltype(&ap_proxy_port_of_scheme) port_of_scheme = nullptr;
};
ProxyFunctions proxy;

template <class Function>
void find(const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
  if (function == nullptr) throw std::runtime_error(std::string("mod_proxy has no ") + name);
}

struct Endpoint {
  const char* host;
  apr_port_t port;
};

// As ap_proxy_determine_connection() reads it: where `url` leads. Nothing for what that
// one refuses as well.
std::optional<Endpoint> endpoint_of(apr_pool_t* pool, const char* url) {
  apr_uri_t uri;
  // A CONNECT has a host and a port alone.
  const apr_status_t status = strstr(url, "://") != nullptr
                                  ? apr_uri_parse(pool, url, &uri)
                                  : apr_uri_parse_hostinfo(pool, url, &uri);
  if (status != APR_SUCCESS || uri.hostname == nullptr) return std::nullopt;
  return Endpoint{uri.hostname, uri.port != 0 ? uri.port : proxy.port_of_scheme(uri.scheme)};
}

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

char* with_host(apr_pool_t* pool, const char* url, const std::string& host) {
  apr_uri_t uri;
  apr_uri_parse(pool, url, &uri);  // endpoint_of() has done so
  uri.hostname = apr_pstrdup(pool, host.c_str());
  return apr_uri_unparse(pool, &uri, APR_URI_UNP_REVEALPASSWORD);
}

// MailOriginSmtpPorts
bool is_smtp_port(const ServerConfig& server, apr_port_t port) {
  static const std::vector<std::uint16_t> default_ports = FirewallPolicy{}.ports;
  const auto& ports = server.smtp_ports != nullptr ? *server.smtp_ports : default_ports;
  return std::find(ports.begin(), ports.end(), port) != ports.end();
}

SmtpVerdict strictest(const SmtpVerdict& one, const SmtpVerdict& other) {
  return other.rule > one.rule ? other : one;
}

// Says what is not simply allowed. True if the connection is refused.
bool refuses(request_rec* request, const Configuration& configuration, const Vhost& vhost,
             const SmtpVerdict& verdict, const char* url) {
  if (verdict.rule == Rule::allow) return false;
  const bool refused =
      verdict.rule == Rule::deny &&
      config_of(configuration.main_server).firewall == FirewallMode::on;  // MailOriginFirewall
  ap_log_rerror(APLOG_MARK, refused ? APLOG_ERR : APLOG_WARNING, 0, request,
                "MO0127: %s: for %s httpd %s %s: %s", vhost.name.data(), request->uri,
                refused ? "was to connect, and does not, to" : "connects to", url,
                verdict.directive);
  return refused;
}

int judge(request_rec* request, proxy_worker* worker, proxy_server_conf* conf, const char* url,
          const char* proxy_host, apr_port_t proxy_port) {
  const ServerConfig& config = config_of(request->server);
  if (config.vhost == nullptr || !config.vhost->enabled) return DECLINED;
  const Configuration& configuration = *config.vhost->configuration;
  const ServerConfig& server = config_of(configuration.main_server);
  if (server.firewall.value_or(FirewallMode::off) == FirewallMode::off) return DECLINED;

  const auto endpoint =
      proxy_host != nullptr ? Endpoint{proxy_host, proxy_port} : endpoint_of(request->pool, url);
  if (!endpoint || !is_smtp_port(server, endpoint->port)) return DECLINED;
  const SmtpPolicy policy = smtp_policy(config);
  const auto resolve = [&](const std::string& name) { return addresses_of(request->pool, name); };
  const Addresses addresses = resolve(endpoint->host);
  // Somebody's name server may know it a moment later.
  if (addresses.empty()) return HTTP_BAD_GATEWAY;
  SmtpVerdict verdict;
  for (const IpAddress& address : addresses) {
    verdict = strictest(verdict, judge_connection(policy, address, endpoint->port, resolve));
  }
  const bool is_name = !parse_ip_address(endpoint->host);
  if (!is_name || proxy_host != nullptr) {
    return refuses(request, configuration, *config.vhost, verdict, url) ? HTTP_FORBIDDEN : DECLINED;
  }
  if (verdict.rule == Rule::deny && refuses(request, configuration, *config.vhost, verdict, url)) {
    return HTTP_FORBIDDEN;
  }
  // By the address that was judged: the name could have another one by the time that
  // mod_proxy asks for it.
  char* const by_address = with_host(request->pool, url, ip_address_text(addresses.front()));
  return proxy.run(request, worker, conf, by_address, nullptr, 0);
}

extern "C" int scheme_handler(request_rec* request, proxy_worker* worker, proxy_server_conf* conf,
                              char* url, const char* proxy_host, apr_port_t proxy_port) {
  return guarded(HTTP_INTERNAL_SERVER_ERROR,
                 [&] { return judge(request, worker, conf, url, proxy_host, proxy_port); });
}

}  // namespace

void guard_proxy() {
  if (ap_find_linked_module("mod_proxy.c") == nullptr) return;
  find("proxy_hook_scheme_handler", proxy.hook);
  find("proxy_run_scheme_handler", proxy.run);
  find("ap_proxy_port_of_scheme", proxy.port_of_scheme);
  // Ahead of every scheme's own, after a balancer has chosen.
  proxy.hook(scheme_handler, nullptr, nullptr, APR_HOOK_REALLY_FIRST);
}

}  // namespace mailorigin::httpd
