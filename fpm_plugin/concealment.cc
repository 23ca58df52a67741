#include "fpm_plugin/concealment.h"

#include <array>
#include <atomic>

#include "client/inherited_call.h"
#include "core/context.h"
#include "core/loads_code.h"
#include "fpm_plugin/function_hook.h"
#include "fpm_plugin/php_api.h"

extern char** environ;

namespace mailorigin::php {

namespace {

std::string_view name_in(const char* assignment) {
  const std::string_view text(assignment);
  return text.substr(0, text.find('='));
}

// ---- functions

bool is_for_children(std::string_view name) {
  return is_concealed(name) || name == client::call_variable || name == client::ticket_variable;
}

// A command line is its user's own.
bool runs_in_a_server() {
  const std::string_view sapi(sapi_module.name);
  return sapi == "fpm-fcgi" || sapi == "apache2handler" || sapi == "cgi-fcgi";
}

void handle_getenv(INTERNAL_FUNCTION_PARAMETERS);
void handle_putenv(INTERNAL_FUNCTION_PARAMETERS);
#ifndef ZTS
void handle_phpinfo(INTERNAL_FUNCTION_PARAMETERS);
#endif

FunctionHook getenv_hook{"getenv", handle_getenv};
// While mail() runs, code of the script's may (mail.log as a stream of its own). What it set
// would displace what is there for sendmail, and PHP would put that back when it is gone.
FunctionHook putenv_hook{"putenv", handle_putenv};
#ifndef ZTS
// phpinfo() reads the environment itself. Where there are threads the
// environment is not ours to change, and holds no request's context.
FunctionHook phpinfo_hook{"phpinfo", handle_phpinfo};
#endif

void handle_getenv(INTERNAL_FUNCTION_PARAMETERS) {
  getenv_hook.original(INTERNAL_FUNCTION_PARAM_PASSTHRU);
  // By now the name is a string, whatever the script gave.
  if (ZEND_NUM_ARGS() < 1) return;
  const zval* name = ZEND_CALL_ARG(execute_data, 1);
  if (Z_TYPE_P(name) != IS_STRING || !is_concealed(Z_STRVAL_P(name))) return;
  zval_ptr_dtor(return_value);
  RETVAL_FALSE;
}

void handle_putenv(INTERNAL_FUNCTION_PARAMETERS) {
  zend_string* assignment = nullptr;
  ZEND_PARSE_PARAMETERS_START(1, 1)
  Z_PARAM_STR(assignment)
  ZEND_PARSE_PARAMETERS_END();
  const std::string_view name = name_in(ZSTR_VAL(assignment));
  if (is_for_children(name)) RETURN_FALSE;
  if (runs_in_a_server() && loads_code(name)) {
    php_error_docref(nullptr, E_WARNING,
                     "MO0309: %.*s loads code into this process, and is the administrator's to set",
                     static_cast<int>(name.size()), name.data());
    RETURN_FALSE;
  }
  putenv_hook.original(INTERNAL_FUNCTION_PARAM_PASSTHRU);
}

#ifndef ZTS

// Plain data, for it outlives calls that may leave by longjmp. httpd follows at
// most ten redirects (LimitInternalRecursion), each of which adds a form.
struct TakenOut {
  std::array<char*, 16> assignments;
  std::size_t count = 0;
};

void take_out(TakenOut& taken) {
  for (char** each = environ; each && *each && taken.count < taken.assignments.size();) {
    if (is_concealed(name_in(*each))) {
      taken.assignments[taken.count++] = *each;
      // Frees nothing: the environment only points to the text.
      for (char** next = each; *next; next++) next[0] = next[1];
    } else {
      each++;
    }
  }
}

void put_back(const TakenOut& taken) {
  for (std::size_t i = 0; i < taken.count; i++) putenv(taken.assignments[i]);
}

void handle_phpinfo(INTERNAL_FUNCTION_PARAMETERS) {
  TakenOut taken;
  take_out(taken);
  if (taken.count == 0) {
    phpinfo_hook.original(INTERNAL_FUNCTION_PARAM_PASSTHRU);
    return;
  }
  zend_try { phpinfo_hook.original(INTERNAL_FUNCTION_PARAM_PASSTHRU); }
  zend_catch {
    put_back(taken);
    zend_bailout();
  }
  zend_end_try();
  put_back(taken);
}

#endif

// ---- variables

std::atomic<bool> variables_concealed = false;
decltype(sapi_module.getenv) original_getenv = nullptr;
decltype(sapi_module.input_filter) original_input_filter = nullptr;
decltype(php_import_environment_variables) original_import = nullptr;
decltype(php_import_environment_variables) original_load = nullptr;

int remove_concealed(zval*, int, va_list, zend_hash_key* key) {
  return key->key && is_concealed({ZSTR_VAL(key->key), ZSTR_LEN(key->key)}) ? ZEND_HASH_APPLY_REMOVE
                                                                            : ZEND_HASH_APPLY_KEEP;
}

void remove_concealed_from(zval* array) {
  if (Z_TYPE_P(array) != IS_ARRAY) return;
  zend_hash_apply_with_arguments(Z_ARRVAL_P(array), remove_concealed, 0);
}

char* concealing_getenv(SapiText name, std::size_t length) {
  return is_concealed({name, length}) || !original_getenv ? nullptr : original_getenv(name, length);
}

unsigned int concealing_input_filter(int arg, SapiText name, char** value, std::size_t length,
                                     std::size_t* new_length) {
  if ((arg == PARSE_SERVER || arg == PARSE_ENV) && is_concealed(name)) return 0;
  return original_input_filter(arg, name, value, length, new_length);
}

void concealing_import(zval* array) {
  original_import(array);
  remove_concealed_from(array);
}

void concealing_load(zval* array) {
  original_load(array);
  remove_concealed_from(array);
}

template <class Pointer>
void wrap(Pointer& pointer, Pointer& original, Pointer replacement) {
  original = pointer;
  pointer = replacement;
}

template <class Pointer>
void unwrap(Pointer& pointer, Pointer original, Pointer replacement) {
  if (pointer == replacement) pointer = original;
}

}  // namespace

bool is_concealed(std::string_view name) {
  constexpr std::string_view redirected = "REDIRECT_";
  while (name.starts_with(redirected)) name.remove_prefix(redirected.size());
  return name == context_variable;
}

void conceal_from_functions() {
  install(getenv_hook);
  install(putenv_hook);
#ifndef ZTS
  install(phpinfo_hook);
#endif
}

void conceal_from_variables() {
  if (variables_concealed.exchange(true)) return;
  wrap(sapi_module.getenv, original_getenv, concealing_getenv);
  wrap(sapi_module.input_filter, original_input_filter, concealing_input_filter);
  wrap(php_import_environment_variables, original_import, concealing_import);
  wrap(environment_loader(), original_load, concealing_load);
}

void reveal() {
  remove(getenv_hook);
  remove(putenv_hook);
#ifndef ZTS
  remove(phpinfo_hook);
#endif
  if (!variables_concealed.exchange(false)) return;
  unwrap(sapi_module.getenv, original_getenv, concealing_getenv);
  unwrap(sapi_module.input_filter, original_input_filter, concealing_input_filter);
  unwrap(php_import_environment_variables, original_import, concealing_import);
  unwrap(environment_loader(), original_load, concealing_load);
}

const char* sapi_variable(std::string_view name) {
  return original_getenv ? original_getenv(const_cast<char*>(name.data()), name.size()) : nullptr;
}

}  // namespace mailorigin::php
