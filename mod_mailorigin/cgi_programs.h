// Which virtual hosts may run programs of their own as httpd's user: by mod_cgi and
// mod_cgid, by mod_include, which asks these, and by mod_fcgid.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "mod_mailorigin/httpd_api.h"

namespace mailorigin::httpd {

class CgiPrograms {
 public:
  // `pool` is for what is put together meanwhile.
  CgiPrograms(apr_pool_t* pool, const ap_directive_t* tree);

  // What lets a program of the virtual host's run ("Options ExecCGI in /srv/shop"): its
  // own settings, or those that its .htaccess may make; empty if nothing does. suexec is
  // not looked at. `docroot` is the host's.
  [[nodiscard]] std::string way_of(const server_rec* server, const std::string& docroot) const;

 private:
  void collect(const ap_directive_t* tree, const std::string& host);
  [[nodiscard]] std::string script_alias(const std::string& host, const std::string& docroot) const;

  apr_pool_t* pool_;
  bool has_cgi_;
  bool has_fcgid_;
  // Targets of ScriptAlias by the place of their virtual host; "" outside of any.
  std::unordered_map<std::string, std::vector<std::string>> targets_;
};

}  // namespace mailorigin::httpd
