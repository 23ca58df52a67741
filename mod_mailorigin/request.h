// A request that runs code is given its sealed context.
#pragma once

#include "core/context.h"
#include "mod_mailorigin/httpd_api.h"

namespace mailorigin::httpd {

// For the handler hook, where nothing of the request's owner comes after:
// .htaccess has been applied, the environment is complete. Leaves requests
// that run no code alone.
void give_context(request_rec* request);

// For a request that mod_proxy is about to hand to a backend. A balancer tries another one
// where the first was lost, and that is another process: each attempt after the first is
// given a context with a request id of its own.
void begin_attempt(request_rec* request);

// Of a request for which httpd itself is about to connect, under a request id of its own, which
// %^MO has as well. Nobody is given it: mailorigind is told by it whose the connection is.
Context deputy_context(request_rec* request);

// When it is over: counts it for its virtual host if PHP has run.
void count_request(request_rec* request);

// What mailorigin_request_context() answers.
const char* context_of(request_rec* request);

// For %^MO: the ids under which code was run for this line of the log, internal
// redirects, subrequests and a balancer's further attempts included, separated by commas; null if
// none was.
const char* request_ids(request_rec* request);

}  // namespace mailorigin::httpd
