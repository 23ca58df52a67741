// The ini settings. Only the administrator sets them: php.ini, the command line,
// or php_admin_value in a pool's file.
#pragma once

#include <string>
#include <vector>

#include "client/outcome.h"

namespace mailorigin::php {

inline constexpr const char* program_name = "mailorigin-php";  // in syslog

struct Settings {
  bool enabled = true;
  client::Conduct conduct{.program = program_name};
  std::vector<std::string> mailers;  // libraries of the administrator's own
};

// Registers the settings with their defaults and reads their values. A value
// that is not accepted is reported as a startup warning and the default used.
// `type` and `module_number` are those of MINIT and MSHUTDOWN.
void register_settings(int type, int module_number);
void unregister_settings(int type, int module_number);

}  // namespace mailorigin::php
