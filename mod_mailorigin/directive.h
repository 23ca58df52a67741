// What every directive's setter needs.
#pragma once

#include <string>

#include "mod_mailorigin/config.h"
#include "mod_mailorigin/httpd_api.h"
#include "mod_mailorigin/pool.h"

namespace mailorigin {

// A setter's error: the directive's name, then `what`.
inline const char* wrong(const cmd_parms* cmd, const std::string& what) {
  return apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", what.c_str(), nullptr);
}

// Where the directive stands.
inline ServerConfig& target_of(const cmd_parms* cmd) { return config_of(cmd->server); }

// A list that replaces the server's from its first line on.
template <class T>
T& ensure(const cmd_parms* cmd, T*& list) {
  if (list == nullptr) list = pool_new<T>(cmd->pool);
  return *list;
}

// Of directives for the server alone: an error inside <VirtualHost>, else null.
inline const char* refuse_in_vhost(cmd_parms* cmd) {
  return ap_check_cmd_context(cmd, GLOBAL_ONLY);
}

}  // namespace mailorigin
