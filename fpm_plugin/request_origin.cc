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

}  // namespace

void note_request(RequestOrigin& request) {
  request.context = text(context_for(sapi_module.name)).substr(0, context_text_limit);
  request.entry = text(SG(request_info).path_translated);
}

}  // namespace mailorigin::php
