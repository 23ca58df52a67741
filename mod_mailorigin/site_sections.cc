#include "mod_mailorigin/site_sections.h"

#include <cstring>
#include <string_view>
#include <unordered_map>

#include "mod_mailorigin/config.h"
#include "mod_mailorigin/directive.h"
#include "mod_mailorigin/module.h"

namespace mailorigin::httpd {

namespace {

bool is_ours(const char* directive) {
  for (const command_rec* each = mailorigin_directives; each->name != nullptr; each++) {
    if (each->name[0] != '<' && strcasecmp(each->name, directive) == 0) return true;
  }
  return false;
}

std::string lower(const char* name) {
  std::string text(name != nullptr ? name : "");
  ap_str_tolower(text.data());
  return text;
}

// Of "shop.example>", as httpd hands it over.
Result<std::string> parse_name(apr_pool_t* pool, const char* argument) {
  const char* const end = std::strrchr(argument, '>');
  if (end == nullptr || end[1] != '\0') return Error{"a '>' is missing at the line's end"};
  const char* rest = apr_pstrmemdup(pool, argument, static_cast<std::size_t>(end - argument));
  const std::string name = lower(ap_getword_conf(pool, &rest));
  if (name.empty() || *rest != '\0') {
    return Error{"one ServerName or ServerAlias is needed, as in <MailOriginSite shop.example>"};
  }
  if (name.find(':') != std::string::npos && name[0] != '[') {
    return Error{"'" + name + "': a name without its port is needed; the site is all its ports"};
  }
  return name;
}

const char* read_section(cmd_parms* cmd, const char* argument) {
  const char* const refused = ap_check_cmd_context(cmd, GLOBAL_ONLY);
  if (refused != nullptr) return refused;
  const auto name = parse_name(cmd->pool, argument);
  if (!name) return wrong(cmd, name.error().message);
  for (const ap_directive_t* each = cmd->directive->first_child; each != nullptr;
       each = each->next) {
    if (is_ours(each->directive)) continue;
    cmd->err_directive = each;
    return apr_pstrcat(cmd->pool, each->directive,
                       each->directive[0] == '<' ? "> cannot stand" : " cannot stand",
                       " within <MailOriginSite>: MailOrigin's directives for a virtual host alone "
                       "can",
                       nullptr);
  }
  // A server of its own for the setters, as <VirtualHost> has one; nobody else sees it.
  server_rec* const main_server = cmd->server;
  auto* const own =
      static_cast<server_rec*>(apr_pmemdup(cmd->pool, main_server, sizeof(server_rec)));
  own->module_config = ap_create_conn_config(cmd->pool);  // an empty one, whatever it is for
  auto* const config = static_cast<ServerConfig*>(mailorigin_create_server_config(cmd->pool, own));
  ap_set_module_config(own->module_config, &mailorigin_module, config);
  ensure(cmd, server_settings_of(main_server).sites).push_back({*name, config, place_of(cmd)});
  cmd->server = own;
  const char* const fault =
      ap_walk_config(cmd->directive->first_child, cmd, main_server->lookup_defaults);
  cmd->server = main_server;
  return fault;
}

// Which virtual hosts a section's name means.
class Sites {
 public:
  explicit Sites(const std::vector<server_rec*>& servers) {
    for (server_rec* const server : servers) {
      const std::string site = lower(server->server_hostname);
      hosts_[site].push_back(server);
      add_aliases(site, server->names);
      add_aliases(site, server->wild_names);
      for (int i = 0; server->wild_names != nullptr && i < server->wild_names->nelts; i++) {
        wildcards_.push_back(lower(APR_ARRAY_IDX(server->wild_names, i, const char*)));
      }
    }
  }

  [[nodiscard]] std::vector<server_rec*> named(const std::string& name) const {
    if (const auto found = hosts_.find(name); found != hosts_.end()) return found->second;
    std::vector<server_rec*> all;
    const auto alias = sites_of_alias_.find(name);
    if (alias == sites_of_alias_.end()) return all;
    for (const std::string& site : alias->second) {
      const std::vector<server_rec*>& hosts = hosts_.at(site);
      all.insert(all.end(), hosts.begin(), hosts.end());
    }
    return all;
  }

  // A ServerAlias with a wildcard that a request for `name` would reach; empty if there is none.
  [[nodiscard]] std::string wildcard_for(const std::string& name) const {
    for (const std::string& each : wildcards_) {
      if (ap_strcasecmp_match(name.c_str(), each.c_str()) == 0) return each;
    }
    return "";
  }

 private:
  void add_aliases(const std::string& site, const apr_array_header_t* names) {
    for (int i = 0; names != nullptr && i < names->nelts; i++) {
      std::vector<std::string>& sites =
          sites_of_alias_[lower(APR_ARRAY_IDX(names, i, const char*))];
      if (sites.empty() || sites.back() != site) sites.push_back(site);
    }
  }

  std::unordered_map<std::string, std::vector<server_rec*>> hosts_;
  std::unordered_map<std::string, std::vector<std::string>> sites_of_alias_;
  std::vector<std::string> wildcards_;
};

std::string text_of(const SiteSection& section) {
  return "<MailOriginSite " + section.name + "> (" + section.place.text() + ')';
}

std::string unknown(const SiteSection& section, const std::string& wildcard) {
  return "MO0149: " + text_of(section) + ": no virtual host has that ServerName or ServerAlias" +
         (wildcard.empty()
              ? ": it has no effect"
              : "; <MailOriginSite " + wildcard + "> is the one that such requests reach");
}

}  // namespace

const char* read_site_section(cmd_parms* cmd, void*, const char* argument) noexcept {
  return Setter<read_section>::set(cmd, nullptr, argument);
}

void apply_site_sections(apr_pool_t* pool, server_rec* main_server,
                         const std::vector<server_rec*>& servers,
                         std::vector<std::string>& warnings) {
  const std::vector<SiteSection>* const sections = server_settings_of(main_server).sites;
  if (sections == nullptr) return;
  const Sites sites(servers);
  for (const SiteSection& section : *sections) {
    const auto hosts = sites.named(section.name);
    if (hosts.empty()) warnings.push_back(unknown(section, sites.wildcard_for(section.name)));
    for (server_rec* const host : hosts) {
      ServerConfig& config = own_config_of(pool, host, main_server);
      put_over(pool, config, *section.config);
      if (config.sections == nullptr) config.sections = pool_new<std::vector<std::string>>(pool);
      config.sections->push_back(text_of(section));
    }
  }
}

}  // namespace mailorigin::httpd
