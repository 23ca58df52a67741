// The module's life: what PHP calls, and in which order things are set up.
#include <string_view>

#include "client/syslog.h"
#include "fpm_plugin/concealment.h"
#include "fpm_plugin/connect_functions.h"
#include "fpm_plugin/error_log.h"
#include "fpm_plugin/firewall_page.h"
#include "fpm_plugin/function_hook.h"
#include "fpm_plugin/functions.h"
#include "fpm_plugin/made_code.h"
#include "fpm_plugin/module_state.h"
#include "fpm_plugin/opcache.h"
#include "fpm_plugin/open_pools.h"
#include "fpm_plugin/own_locale.h"
#include "fpm_plugin/php_api.h"
#include "fpm_plugin/program_functions.h"
#include "fpm_plugin/refusal.h"
#include "fpm_plugin/request_origin.h"
#include "fpm_plugin/settings.h"
#include "fpm_plugin/smtp_connections.h"

ZEND_BEGIN_MODULE_GLOBALS(mailorigin)
mailorigin::php::ModuleState* state;
ZEND_END_MODULE_GLOBALS(mailorigin)

ZEND_DECLARE_MODULE_GLOBALS(mailorigin)

namespace mailorigin::php {

ModuleState& module_state() { return *ZEND_MODULE_GLOBALS_ACCESSOR(mailorigin, state); }

namespace {

decltype(zend_post_startup_cb) next_post_startup = nullptr;
decltype(sapi_module.activate) sapi_activate_request = nullptr;

// All extensions of php.ini are loaded now.
PostStartupResult post_startup() {
  install_mail_functions();
  install_connect_functions();
  install_program_functions();
  return next_post_startup ? next_post_startup() : SUCCESS;
}

// Before a script can have taken all descriptors. Not in a process that runs one
// script and may send nothing; a daemon that is not there is looked for once a second.
void connect_ahead(ModuleState& state) noexcept {
  const std::string_view sapi(sapi_module.name);
  if (sapi != "fpm-fcgi" && sapi != "apache2handler") return;
  if (!state.settings.enabled || !SG(server_context) || !state.look_for_daemon.is_due()) return;
  try {
    state.asker.connect_ahead(state.settings.conduct.socket);
  } catch (...) {  // no memory: the first mail connects
  }
}

// The first thing of a request that a module can see: $_SERVER and $_ENV are
// filled before RINIT.
ActivateResult activate() {
  conceal_from_variables();
  watch_server_log();
  warn_if_pool_is_open();
  install_mail_functions();
  watch_end_of_request();
  const ActivateResult result = sapi_activate_request ? sapi_activate_request() : SUCCESS;
  ModuleState& state = module_state();
  try {
    forget_made_code();
    note_request(state.request);
  } catch (...) {  // no memory: the request goes on without
    state.request.context.clear();
    state.request.entry.clear();
  }
  connect_ahead(state);
  if (state.settings.enabled && hooks_are_allowed()) {
    state.hello.say(state.asker, state.settings.conduct.socket, state.request.context);
  }
  publish_request(state);
  return result;
}

void warn_of_shared_jit() {
  constexpr const char* text =
      "MO0303: mailorigin does nothing in this pool: it was loaded by the pool's php_admin_value, "
      "and opcache's JIT, whose code all pools share, is on; load it in php.ini, or set "
      "opcache.jit = disable there";
  zend_error(E_CORE_WARNING, "%s", text);
  client::log_line(program_name, text);
}

// Once for the process, or with ZTS for each thread.
void make_state(void* globals) {
  static_cast<zend_mailorigin_globals*>(globals)->state = new ModuleState;
}

void free_state(void* globals) { delete static_cast<zend_mailorigin_globals*>(globals)->state; }

ModuleResult start_module(int type, int module_number) {
  register_settings(type, module_number);
  remember_locale();
  prepare_open_pool_warning();
  allow_hooks_where_safe();
  if (!hooks_are_allowed()) warn_of_shared_jit();
  install_mail_functions();
  install_connect_functions();
  install_program_functions();
  register_workers_at_fork();
  prepare_to_end_smtp_connections();
  conceal_from_functions();
  watch_made_code();
  watch_replaced_streams();
  remember_root();
  next_post_startup = zend_post_startup_cb;
  zend_post_startup_cb = post_startup;
  sapi_activate_request = sapi_module.activate;
  sapi_module.activate = activate;
  return SUCCESS;
}

// php-fpm's launcher runs this while the workers' parent goes on: it touches
// nothing outside its own process.
ModuleResult stop_module(int type, int module_number) {
  if (sapi_module.activate == activate) sapi_module.activate = sapi_activate_request;
  if (zend_post_startup_cb == post_startup) zend_post_startup_cb = next_post_startup;
  reveal();
  remove_mail_functions();
  remove_connect_functions();
  remove_program_functions();
  stop_watching_end_of_request();
  stop_watching_server_log();
  stop_watching_made_code();
  stop_watching_replaced_streams();
  forget_open_pool_warning();
  forget_locale();
  forget_descriptors();
  unregister_settings(type, module_number);
  return SUCCESS;
}

// After all that scripts can have run at a request's end: session handlers and streams
// are closed later than RSHUTDOWN.
ModuleResult after_request() {
  undo_unfinished_calls();
  let_go_of_loaded_functions();
  withdraw_request();
  return SUCCESS;
}

void print_info(zend_module_entry* zend_module) {
  php_info_print_table_start();
  const char* status = module_state().settings.enabled ? "enabled" : "disabled";
  php_info_print_table_row(2, "MailOrigin", hooks_are_allowed() ? status : "idle, see MO0303");
  php_info_print_table_row(2, "Version", MAILORIGIN_VERSION);
  php_info_print_table_end();
  display_ini_entries(zend_module);
}

}  // namespace

}  // namespace mailorigin::php

extern "C" {

zend_module_entry mailorigin_module_entry = {
    STANDARD_MODULE_HEADER,
    "mailorigin",
    nullptr,  // no functions of its own
    mailorigin::php::start_module,
    mailorigin::php::stop_module,
    nullptr,  // activate() comes earlier
    nullptr,  // after_request() comes later
    mailorigin::php::print_info,
    MAILORIGIN_VERSION,
    ZEND_MODULE_GLOBALS(mailorigin),
    mailorigin::php::make_state,
    mailorigin::php::free_state,
    mailorigin::php::after_request,
    STANDARD_MODULE_PROPERTIES_EX,
};

ZEND_GET_MODULE(mailorigin)
}
