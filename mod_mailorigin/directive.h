// What every directive's setter needs, and the guard through which httpd calls it.
#pragma once

#include <strings.h>

#include <exception>
#include <string>

#include "mod_mailorigin/config.h"
#include "mod_mailorigin/httpd_api.h"
#include "mod_mailorigin/pool.h"

namespace mailorigin::httpd {

// A setter's error: the directive's name, then `what`.
inline const char* wrong(const cmd_parms* cmd, const char* what) noexcept {
  return apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", what, nullptr);
}
inline const char* wrong(const cmd_parms* cmd, const std::string& what) {
  return wrong(cmd, what.c_str());
}

// A setter's entry in the table of directives: `setter<set_send>`. What it throws
// becomes the directive's error, since no exception may reach httpd's C code.
template <auto function>
struct Setter;
template <class... Arguments, const char* (*function)(cmd_parms*, Arguments...)>
struct Setter<function> {
  static const char* set(cmd_parms* cmd, void*, Arguments... arguments) noexcept {
    try {
      return function(cmd, arguments...);
    } catch (const std::exception& exception) {
      return wrong(cmd, exception.what());
    } catch (...) {
      return wrong(cmd, "unknown exception");
    }
  }

  // Of directives for the server alone: an error inside <VirtualHost>.
  static const char* set_of_server(cmd_parms* cmd, void*, Arguments... arguments) noexcept {
    const ap_directive_t* const section = cmd->directive->parent;
    if (section != nullptr && strcasecmp(section->directive, "<MailOriginSite") == 0) {
      return wrong(cmd, "cannot stand within <MailOriginSite>: it is for the whole server");
    }
    const char* const refused = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    return refused != nullptr ? refused : set(cmd, nullptr, arguments...);
  }
};
template <auto function>
inline constexpr auto setter = &Setter<function>::set;
template <auto function>
inline constexpr auto server_setter = &Setter<function>::set_of_server;

// Where the directive stands.
inline ServerConfig& target_of(const cmd_parms* cmd) { return config_of(cmd->server); }

// Of a directive for the server alone.
inline ServerSettings& server_target_of(const cmd_parms* cmd) {
  return server_settings_of(cmd->server);
}

inline Place place_of(const cmd_parms* cmd) {
  return {cmd->directive->filename, static_cast<unsigned>(cmd->directive->line_num)};
}

// A path below ServerRoot; null if it is not one.
inline const char* path_of(const cmd_parms* cmd, const char* argument) {
  return *argument == '\0' ? nullptr : ap_server_root_relative(cmd->pool, argument);
}

// A list that replaces the server's from its first line on.
template <class T>
T& ensure(const cmd_parms* cmd, T*& list) {
  if (list == nullptr) list = pool_new<T>(cmd->pool);
  return *list;
}

}  // namespace mailorigin::httpd
