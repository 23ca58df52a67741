// Whether a request has run eval(): code that is on no stack any more once PHP itself
// calls what it left behind.
#pragma once

#include <string_view>

namespace mailorigin::php {

// PHP names eval()'d code "file(line) : eval()'d code", and functions made in it too.
bool is_eval(std::string_view file);

// Wraps what compiles a text. For MINIT and MSHUTDOWN.
void watch_eval();
void stop_watching_eval();

// For the request that runs; a request begins with forget_eval().
bool eval_has_run();
void forget_eval();

}  // namespace mailorigin::php
