#include "fpm_plugin/httpd_request.h"

#include <dlfcn.h>

#include "fpm_plugin/php_api.h"

namespace mailorigin::php {

namespace {

// httpd's own type; only its address goes through here.
struct HttpdRequest;

// How php_struct of PHP's sapi/apache2handler/php_apache.h begins, a header that
// is not installed. The same in every PHP from 5 to 8.
struct ServerContext {
  int state;
  HttpdRequest* request;
};

// apr_optional.h, without a need for APR's headers or libraries: most processes
// that load the plugin have none of them.
using OptionalFunction = void();
using RetrieveOptionalFunction = OptionalFunction*(const char* name);
using RequestContext = const char*(HttpdRequest*);

}  // namespace

// Looked up each time: at a graceful restart httpd loads modules anew, elsewhere.
const char* context_of_httpd_request() {
  const auto* const server = static_cast<const ServerContext*>(SG(server_context));
  auto* const retrieve =
      reinterpret_cast<RetrieveOptionalFunction*>(dlsym(RTLD_DEFAULT, "apr_dynamic_fn_retrieve"));
  if (!server || !server->request || !retrieve) return nullptr;
  auto* const context_of =
      reinterpret_cast<RequestContext*>(retrieve("mailorigin_request_context"));
  return context_of ? context_of(server->request) : nullptr;
}

}  // namespace mailorigin::php
