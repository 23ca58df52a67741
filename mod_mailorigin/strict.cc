#include "mod_mailorigin/strict.h"

#include <string>

namespace mailorigin::httpd {

namespace {

// By the directive that opens the <VirtualHost>; null outside of any.
using PhpValuesOfHosts = std::unordered_map<const ap_directive_t*, PhpValues>;

std::vector<std::string> words(apr_pool_t* pool, const char* arguments) {
  std::vector<std::string> all;
  while (arguments != nullptr && *arguments != '\0') {
    all.emplace_back(ap_getword_conf(pool, &arguments));
  }
  return all;
}

void collect(apr_pool_t* pool, const ap_directive_t* first, const ap_directive_t* host,
             PhpValuesOfHosts& found) {
  for (const ap_directive_t* node = first; node != nullptr; node = node->next) {
    if (node->first_child != nullptr) {
      const bool is_host = strcasecmp(node->directive, "<VirtualHost") == 0;
      collect(pool, node->first_child, is_host ? node : host, found);
    } else if (may_set_php_values(node->directive)) {
      for (PhpValue& value : php_values_of(node->directive, words(pool, node->args))) {
        found[host].insert(std::move(value));
      }
    }
  }
}

std::string place(const char* file, unsigned line) {
  return std::string(file != nullptr ? file : "") + ':' + std::to_string(line);
}

bool allows(const PhpValues* values, const PhpValue& value) {
  return values != nullptr && values->contains(value);
}

}  // namespace

PhpValuesOfServers read_php_values(apr_pool_t* pool, const ap_directive_t* tree,
                                   const server_rec* main_server) {
  PhpValuesOfHosts of_hosts;
  collect(pool, tree, nullptr, of_hosts);
  PhpValuesOfServers of_servers;
  if (of_hosts.empty()) return of_servers;

  std::unordered_map<std::string, const server_rec*> servers;
  for (const server_rec* server = main_server->next; server != nullptr; server = server->next) {
    servers.emplace(place(server->defn_name, server->defn_line_number), server);
  }
  for (auto& [host, values] : of_hosts) {
    if (host == nullptr) {
      of_servers[nullptr] = std::move(values);
      continue;
    }
    const auto at = servers.find(place(host->filename, static_cast<unsigned>(host->line_num)));
    if (at != servers.end()) of_servers[at->second] = std::move(values);
  }
  return of_servers;
}

void keep_own_php_values(request_rec* request, const PhpValues* of_server,
                         const PhpValues* of_vhost) {
  for (const std::string_view name : php_value_names) {
    const char* const value = apr_table_get(request->subprocess_env, name.data());
    if (value == nullptr) continue;
    const PhpValue setting{name, value};
    const bool own = allows(of_server, setting) || allows(of_vhost, setting);
    // All of that name, in whatever case: a table may hold it more than once.
    apr_table_unset(request->subprocess_env, name.data());
    if (own) apr_table_addn(request->subprocess_env, name.data(), value);
  }
}

void use_proxy_settings_of_vhost(request_rec* request, module* proxy_fcgi) {
  if (proxy_fcgi == nullptr) return;
  void* const own = ap_get_module_config(request->server->lookup_defaults, proxy_fcgi);
  if (ap_get_module_config(request->per_dir_config, proxy_fcgi) == own) return;
  ap_conf_vector_t* const settings = ap_create_per_dir_config(request->pool);
  for (module* each = ap_top_module; each != nullptr; each = each->next) {
    ap_set_module_config(settings, each, ap_get_module_config(request->per_dir_config, each));
  }
  ap_set_module_config(settings, proxy_fcgi, own);
  request->per_dir_config = settings;
}

}  // namespace mailorigin::httpd
