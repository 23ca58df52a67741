/* For modules in the same httpd that run code themselves, as mod_php does.
 *
 * Their scripts can read and change a process's environment, so the context of
 * their requests is not put there: the code that speaks for the script asks for
 * it here, by APR_RETRIEVE_OPTIONAL_FN(mailorigin_request_context). */
#pragma once

#include <apr_optional.h>
#include <httpd.h>

/* The text of SSL_MAILORIGIN_CONTEXT for this request or subrequest; null if
 * it runs no code inside httpd. Lives as long as the request. */
APR_DECLARE_OPTIONAL_FN(const char*, mailorigin_request_context, (request_rec * request));
