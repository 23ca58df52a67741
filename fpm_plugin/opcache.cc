#include "fpm_plugin/opcache.h"

#include <sys/stat.h>

#include <string_view>

#include "fpm_plugin/function_hook.h"
#include "fpm_plugin/php_api.h"

namespace mailorigin::php {

namespace {

dev_t root_device = 0;
ino_t root_inode = 0;

void handle_unregister(INTERNAL_FUNCTION_PARAMETERS);

FunctionHook unregister_hook{"stream_wrapper_unregister", handle_unregister};

// Until the request's end; a script cannot turn it on again.
void turn_off_opcache() {
  constexpr std::string_view name = "opcache.enable";
  if (setting_number(name) == 0) return;
  zend_string* const setting = zend_string_init(name.data(), name.size(), 0);
  zend_alter_ini_entry_chars_ex(setting, "0", 1, PHP_INI_SYSTEM, PHP_INI_STAGE_RUNTIME, 1);
  zend_string_release(setting);
}

void handle_unregister(INTERNAL_FUNCTION_PARAMETERS) {
  turn_off_opcache();
  unregister_hook.original(INTERNAL_FUNCTION_PARAM_PASSTHRU);
}

bool root(struct stat& about) { return stat("/", &about) == 0; }

}  // namespace

void watch_replaced_streams() { install(unregister_hook); }

void stop_watching_replaced_streams() { remove(unregister_hook); }

void remember_root() {
  struct stat about {};
  if (!root(about)) return;
  root_device = about.st_dev;
  root_inode = about.st_ino;
}

bool shares_code_between_roots() {
  struct stat about {};
  return setting_number("opcache.enable") != 0 && setting_number("opcache.validate_root") == 0 &&
         root(about) && (about.st_dev != root_device || about.st_ino != root_inode);
}

}  // namespace mailorigin::php
