// Code that is no file's: made by eval() and its like, or read from a stream whose code
// and name are the script's to choose. It is on no stack any more once PHP itself calls
// what it left behind.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mailorigin::php {

// What the request that runs has had of it.
struct MadeCode {
  bool has_run = false;
  std::vector<std::string> stream_names;  // what the streams' code is called
  bool names_are_lost = false;            // there was no memory: any may be one
};

// Whether code that is called so is, or may be, no file's.
bool is_made(std::string_view name);
bool made_code_has_run();

// Wraps what compiles a text and what opens a file to be run. For MINIT and MSHUTDOWN.
void watch_made_code();
void stop_watching_made_code();

// A request begins with it.
void forget_made_code();

}  // namespace mailorigin::php
