// The context out of the script's sight: $_SERVER, $_ENV, getenv(),
// filter_input(), phpinfo(). A courtesy, no secret: the seal is what holds.
#pragma once

#include <string_view>

namespace mailorigin::php {

// SSL_MAILORIGIN_CONTEXT, or what an internal redirect of httpd makes of it
// (REDIRECT_SSL_MAILORIGIN_CONTEXT, with one REDIRECT_ for each).
bool is_concealed(std::string_view name);

// Replaces the handlers of getenv(), putenv() and phpinfo(). Once, at MINIT.
void conceal_from_functions();

// Wraps what fills $_SERVER and $_ENV. At the first request and not before: FPM
// and php-cgi set their own pointers after MINIT and would end up calling ours.
void conceal_from_variables();

// Undoes both.
void reveal();

// What the SAPI itself says a variable of this request is; null if it has no
// such variable, or no variables. Good until the request ends.
const char* sapi_variable(std::string_view name);

}  // namespace mailorigin::php
