// Which files httpd logs the requests of a virtual host into: CustomLog and TransferLog.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "mod_mailorigin/httpd_api.h"

namespace mailorigin::httpd {

// mod_log_config keeps its logs to itself: they are read from the configuration's tree,
// where conditions and includes have been worked out.
class AccessLogs {
 public:
  AccessLogs(apr_pool_t* pool, const ap_directive_t* tree);

  // Absolute paths of regular logs: what goes into a pipe is anybody's. Those of the main
  // server where a virtual host has none of its own.
  [[nodiscard]] const std::vector<std::string>& of(const server_rec* server) const;

 private:
  // Where <VirtualHost> stands; the main server is nowhere.
  using Host = std::pair<std::string, unsigned>;
  void collect(apr_pool_t* pool, const ap_directive_t* tree, const Host& host);

  std::map<Host, std::vector<std::string>> files_;
  std::vector<std::string> of_server_;
};

}  // namespace mailorigin::httpd
