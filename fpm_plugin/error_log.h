// PHP's error log as the administrator set it, whatever a script has made of it.
#pragma once

#include <string_view>

namespace mailorigin::php {

// A line to the file that error_log names in php.ini or the pool, else to where the
// server keeps PHP's messages. False where it has arrived nowhere. May throw
// std::bad_alloc.
bool log_for_administrator(std::string_view line);

// fastcgi_finish_request() ends the way to the server's log with the request: the
// function is watched from now on, if it is there, and each request begins anew.
void watch_end_of_request();
void stop_watching_end_of_request();

}  // namespace mailorigin::php
