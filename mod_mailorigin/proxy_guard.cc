#include "mod_mailorigin/proxy_guard.h"

#include <dlfcn.h>

#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>

#include "mod_mailorigin/httpd_api.h"
#include "mod_mailorigin/report.h"
#include "mod_mailorigin/request.h"
#include "mod_mailorigin/smtp_guard.h"

extern "C" {
#include <mod_proxy.h>
}

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

char* with_host(apr_pool_t* pool, const char* url, const std::string& host) {
  apr_uri_t uri;
  apr_uri_parse(pool, url, &uri);  // endpoint_of() has done so
  uri.hostname = apr_pstrdup(pool, host.c_str());
  return apr_uri_unparse(pool, &uri, APR_URI_UNP_REVEALPASSWORD);
}

// Where a client's request line names a host ("GET http://host:25/ HTTP/1.1"), mod_proxy_ftp
// connects to that instead of to where the URL leads.
void go_by_the_url(request_rec* request, const char* url) {
  if (request->proxyreq == PROXYREQ_REVERSE && ap_cstr_casecmpn(url, "ftp:", 4) == 0) {
    request->parsed_uri.hostname = nullptr;
  }
}

int judge_proxy(request_rec* request, proxy_worker* worker, proxy_server_conf* conf,
                const char* url, const char* proxy_host, apr_port_t proxy_port) {
  go_by_the_url(request, url);
  const auto endpoint =
      proxy_host != nullptr ? Endpoint{proxy_host, proxy_port} : endpoint_of(request->pool, url);
  if (!endpoint) return DECLINED;
  const auto judgement = judge(request, endpoint->host, endpoint->port);
  if (!judgement) return DECLINED;
  const std::string& address = judgement->destination.address;
  if (address.empty()) return HTTP_BAD_GATEWAY;
  if (refuses(request, *judgement, url)) return HTTP_FORBIDDEN;
  if (!judgement->is_name || proxy_host != nullptr) return DECLINED;
  char* const by_address = with_host(request->pool, url, address);
  return proxy.run(request, worker, conf, by_address, nullptr, 0);
}

extern "C" int scheme_handler(request_rec* request, proxy_worker* worker, proxy_server_conf* conf,
                              char* url, const char* proxy_host, apr_port_t proxy_port) {
  return guarded(HTTP_INTERNAL_SERVER_ERROR, [&] {
    const int judged = judge_proxy(request, worker, conf, url, proxy_host, proxy_port);
    if (judged == DECLINED) begin_attempt(request);
    return judged;
  });
}

}  // namespace

void guard_proxy() {
  if (ap_find_linked_module("mod_proxy.c") == nullptr) return;
  find("proxy_hook_scheme_handler", proxy.hook);
  find("proxy_run_scheme_handler", proxy.run);
  find("ap_proxy_port_of_scheme", proxy.port_of_scheme);
  // Ahead of every scheme's own, after a balancer has chosen, and again for each member that
  // it tries.
  proxy.hook(scheme_handler, nullptr, nullptr, APR_HOOK_REALLY_FIRST);
}

}  // namespace mailorigin::httpd
