// What the plugin keeps between calls: one for each of PHP's threads, which
// without ZTS is one for the process.
#pragma once

#include <string>

#include "client/asker.h"
#include "client/outcome.h"
#include "fpm_plugin/child_environment.h"
#include "fpm_plugin/hello.h"
#include "fpm_plugin/made_code.h"
#include "fpm_plugin/once_a_second.h"
#include "fpm_plugin/request_origin.h"
#include "fpm_plugin/settings.h"

namespace mailorigin::php {

// The results of work in C++ wait here while Zend functions run: those may leave
// by longjmp, and a string on the stack would then leak.
struct ModuleState {
  Settings settings;
  RequestOrigin request;
  client::Asker asker;
  Hello hello;
  OnceASecond look_for_daemon;
  client::Outcome outcome;    // of the call in hand, until its headers are in place
  std::string header_text;    // likewise
  ChildEnvironment children;  // what sendmail inherits
  MadeCode made_code;
  const char* refusal = nullptr;   // what PHP says of it, while one is reported
  bool refusal_is_logged = false;  // by PHP, meanwhile
  bool x_header_withheld = false;  // PHP's mail.add_x_header is off for a call
};

ModuleState& module_state();

}  // namespace mailorigin::php
