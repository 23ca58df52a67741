#include "fpm_plugin/request_origin.h"

#include <cstdlib>
#include <string_view>

#include "core/context.h"
#include "fpm_plugin/concealment.h"
#include "fpm_plugin/httpd_request.h"
#include "fpm_plugin/php_api.h"

namespace mailorigin::php {

namespace {

std::string_view text(const char* value) { return value ? value : std::string_view(); }

const char* context_for(std::string_view sapi) {
  // A FastCGI parameter; for php-cgi under plain CGI its own environment.
  if (sapi == "fpm-fcgi" || sapi == "cgi-fcgi") return sapi_variable(context_variable);
  // Started by something that a request started (cron has none): the environment.
  if (sapi == "cli" || sapi == "cli-server" || sapi == "phpdbg" || sapi == "embed") {
    return std::getenv(context_variable.data());
  }
  // Inside httpd a variable could be set by .htaccess after the seal: none is read.
  return sapi == "apache2handler" ? context_of_httpd_request() : nullptr;
}

// The path that the kernel walks, however often a slash was written: one script is
// counted under one name. Links and ".." stay: what these lead to may change.
std::string plain_path(std::string_view path) {
  std::string plain;
  for (std::size_t i = 0; i < path.size(); i++) {
    const bool begins_part = path[i] == '/' && path[0] == '/';
    if (begins_part && path.substr(i).starts_with("//")) continue;
    if (begins_part && path.substr(i).starts_with("/./")) {
      i++;
      continue;
    }
    plain += path[i];
  }
  return plain;
}

}  // namespace

void note_request(RequestOrigin& request) {
  request.context = text(context_for(sapi_module.name)).substr(0, context_text_limit);
  request.entry = plain_path(text(SG(request_info).path_translated));
}

}  // namespace mailorigin::php
