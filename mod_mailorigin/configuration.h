// The whole configuration once it has been read: what was checked across
// directives, the policy for the daemon, and what each request needs.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/context.h"
#include "core/key.h"
#include "core/policy.h"
#include "core/request_counts.h"
#include "mod_mailorigin/config.h"
#include "mod_mailorigin/daemon_settings.h"
#include "mod_mailorigin/handler_names.h"
#include "mod_mailorigin/httpd_api.h"
#include "mod_mailorigin/request_ids.h"

namespace mailorigin::httpd {

struct Configuration;
class Supervisor;

// What a request needs of its virtual host, or of the server outside all of them.
struct Vhost {
  Configuration* configuration = nullptr;
  std::uint32_t id = 0;
  std::size_t place = 0;                    // where its requests are counted
  std::uint32_t uid = ContextTag::any_uid;  // that a process showing its context must have
  bool uid_is_set = false;  // by MailOriginRunAs: suexec's of a request does not count
  bool enabled = true;
  bool strict = true;
  std::string_view name;  // in the configuration's pool
};

// One for each time that the configuration is read; lives in that pool (pconf).
struct Configuration {
  server_rec* main_server = nullptr;
  DaemonSettings daemon;
  Policy policy;                  // emptied once the daemon's copy is made
  std::vector<Place> log_places;  // where each of the policy's targets is named first
  std::vector<std::string> warnings;

  bool has_settings_for_php = false;  // see there
  HandlerNames page_handlers;         // see there
  module* proxy_fcgi = nullptr;       // null: not loaded
  module* userdir = nullptr;          // likewise
  bool has_php_inside = false;        // mod_php is loaded

  std::vector<std::uint32_t> vhost_ids;         // of virtual hosts and the server, by their places
  std::optional<RequestCounts> request_counts;  // nothing before post_config

  Supervisor* supervisor = nullptr;         // null before post_config
  const KeyRing* keys = nullptr;            // process->pool's; null before post_config
  std::unique_ptr<RequestIds> request_ids;  // made in each child of httpd
};

// What a configuration is read for: to find what is wrong with it, which leaves out what nothing
// can be wrong with; or to serve requests by it.
enum class Purpose { faults, service };

// Null after reporting, to standard error, what is wrong.
Configuration* read_configuration(apr_pool_t* pool, server_rec* main_server, Purpose purpose);

Configuration* configuration_of(const server_rec* main_server);

}  // namespace mailorigin::httpd
