#include "mod_mailorigin/access_logs.h"

#include <algorithm>

namespace mailorigin::httpd {

AccessLogs::AccessLogs(apr_pool_t* pool, const ap_directive_t* tree) {
  collect(pool, tree, {});
  of_server_ = files_[{}];
}

void AccessLogs::collect(apr_pool_t* pool, const ap_directive_t* tree, const Host& host) {
  for (const ap_directive_t* node = tree; node != nullptr; node = node->next) {
    const bool is_host = ap_cstr_casecmp(node->directive, "<VirtualHost") == 0;
    if (node->first_child != nullptr) {
      const Host inner =
          is_host ? Host{node->filename, static_cast<unsigned>(node->line_num)} : host;
      collect(pool, node->first_child, inner);
    }
    if (ap_cstr_casecmp(node->directive, "CustomLog") != 0 &&
        ap_cstr_casecmp(node->directive, "TransferLog") != 0) {
      continue;
    }
    const char* rest = node->args;
    const std::string target = ap_getword_conf(pool, &rest);
    if (target.empty() || target.front() == '|' || target.starts_with("syslog")) continue;
    const char* const path = ap_server_root_relative(pool, target.c_str());
    auto& files = files_[host];
    if (path != nullptr && std::find(files.begin(), files.end(), path) == files.end()) {
      files.emplace_back(path);
    }
  }
}

const std::vector<std::string>& AccessLogs::of(const server_rec* server) const {
  const auto found = files_.find(
      {server->defn_name != nullptr ? server->defn_name : "", server->defn_line_number});
  return found == files_.end() ? of_server_ : found->second;
}

}  // namespace mailorigin::httpd
