#include "mod_mailorigin/ldap_guard.h"

#include <string>
#include <string_view>

#include "core/name_values.h"
#include "mod_mailorigin/httpd_api.h"
#include "mod_mailorigin/report.h"
#include "mod_mailorigin/smtp_guard.h"

namespace mailorigin::httpd {

namespace {

// mod_ldap offers this to whoever wants a connection; its own header takes that of an
// LDAP library. The connection and the way of following aliases are its own matter.
constexpr const char* name = "uldap_connection_find";
using Find = void* (*)(request_rec* request, const char* host, int port, const char* bind_dn,
                       const char* bind_password, int aliases, int secure);
Find find_connection = nullptr;

// Where a connection fails at once: the caller takes a failure, and no refusal.
constexpr const char* nowhere = "255.255.255.255";

// "host", "host:port" or "[address]:port".
struct Server {
  std::string host;
  int port;
};
Server server_of(std::string_view text, int port) {
  const auto colon = text.rfind(':');
  const bool has_port = colon != std::string_view::npos &&
                        (text.find(':') == colon || text.substr(0, colon).ends_with(']'));
  if (has_port) {
    port = static_cast<int>(parse_number(text.substr(colon + 1), UINT16_MAX).value_or(0));
    text = text.substr(0, colon);
  }
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  return {std::string(text), port};
}

// The servers of a list, with addresses for the names of those on SMTP ports; empty if
// there is one that httpd may not connect to.
std::string judged(request_rec* request, const char* hosts, int port) {
  std::string out;
  while (*hosts != '\0') {
    const char* const text = ap_getword_white(request->pool, &hosts);
    const Server server = server_of(text, port);
    const auto judgement =
        judge(request, server.host.c_str(), static_cast<apr_port_t>(server.port));
    std::string checked = text;
    if (judgement) {
      const std::string where = "ldap://" + checked;
      const std::string& address = judgement->destination.address;
      if (address.empty() || refuses(request, *judgement, where.c_str())) return "";
      const bool is_ipv6 = address.find(':') != std::string::npos;
      checked = (is_ipv6 ? '[' + address + ']' : address) + ':' + std::to_string(server.port);
    }
    out += (out.empty() ? "" : " ") + checked;
  }
  return out;
}

extern "C" void* find_judged(request_rec* request, const char* host, int port, const char* bind_dn,
                             const char* bind_password, int aliases, int secure) {
  return guarded<void*>(nullptr, [&] {
    const std::string hosts = judged(request, host != nullptr ? host : "", port);
    const char* const to = hosts.empty() ? nowhere : apr_pstrdup(request->pool, hosts.c_str());
    return find_connection(request, to, hosts.empty() ? 1 : port, bind_dn, bind_password, aliases,
                           secure);
  });
}

}  // namespace

void guard_ldap() {
  const auto offered = reinterpret_cast<Find>(apr_dynamic_fn_retrieve(name));
  if (offered == nullptr || offered == find_judged) return;
  find_connection = offered;
  apr_dynamic_fn_register(name, reinterpret_cast<apr_opt_fn_t*>(find_judged));
}

}  // namespace mailorigin::httpd
