// PHP inside httpd (mod_php): the request that it runs in.
//
// There the context is no variable: a script reads and changes all of those, and
// .htaccess does. mod_mailorigin keeps it in the request's own memory and offers
// a function that tells it, by the name in mod_mailorigin/request_context.h.
#pragma once

namespace mailorigin::php {

// The context of the request that this PHP request was started for; null if
// there is none, or if httpd runs without mod_mailorigin. Lives as long as
// httpd's request. Only for the SAPI apache2handler.
const char* context_of_httpd_request();

}  // namespace mailorigin::php
