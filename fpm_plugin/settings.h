// The ini settings. Only the administrator sets them: php.ini, the command line,
// or php_admin_value in a pool's file.
#pragma once

#include <chrono>
#include <string>

namespace mailorigin::php {

enum class OnFailure { allow, deny };

struct Settings {
  bool enabled = true;
  std::string socket;
  OnFailure on_failure = OnFailure::allow;  // while there is no daemon
  std::chrono::milliseconds timeout{0};
};

// Registers the settings with their defaults and reads their values. A value
// that is not accepted is reported as a startup warning and the default used.
// `type` and `module_number` are those of MINIT and MSHUTDOWN.
void register_settings(int type, int module_number);
void unregister_settings(int type, int module_number);

}  // namespace mailorigin::php
