#include "fpm_plugin/function_hook.h"

#include <strings.h>

#include <cstdlib>
#include <cstring>
#include <string_view>

namespace mailorigin::php {

namespace {

bool allowed = true;

// What php.ini or the command line says, null where they say nothing. A pool's own lines are
// not among it: a pool that turns JIT off still runs the code that others have made.
const char* said_for_all_pools(std::string_view name) {
  const zval* const value = cfg_get_entry(name.data(), name.size());
  return value && Z_TYPE_P(value) == IS_STRING ? Z_STRVAL_P(value) : nullptr;
}

bool jit_may_run() {
  if (setting_number("opcache.enable") == 0) return false;
  const char* const size = said_for_all_pools("opcache.jit_buffer_size");
  if ((size ? std::atol(size) : setting_number("opcache.jit_buffer_size")) <= 0) return false;
  const char* mode = said_for_all_pools("opcache.jit");
  if (!mode && !size) mode = setting_text("opcache.jit");  // PHP's default
  // "disable" holds for good; "off" is undone by ini_set().
  return !(mode && strcasecmp(mode, "disable") == 0);
}

// Looked up each time: disable_functions in a pool frees the entry.
zend_internal_function* find(const char* name) {
  auto* function = static_cast<zend_function*>(
      zend_hash_str_find_ptr(CG(function_table), name, std::strlen(name)));
  if (!function || function->type != ZEND_INTERNAL_FUNCTION) return nullptr;
  return &function->internal_function;
}

}  // namespace

void allow_hooks_where_safe() { allowed = is_during_startup() || !jit_may_run(); }

bool hooks_are_allowed() { return allowed; }

void install(FunctionHook& hook) {
  if (hook.original || !allowed) return;
  zend_internal_function* function = find(hook.name);
  if (!function) return;
  hook.original = function->handler;
  function->handler = hook.replacement;
}

void remove(FunctionHook& hook) {
  zend_internal_function* function = find(hook.name);
  if (function && function->handler == hook.replacement) function->handler = hook.original;
  hook.original = nullptr;
}

void call_with_children(zif_handler original, [[maybe_unused]] ChildEnvironment& children,
                        INTERNAL_FUNCTION_PARAMETERS) {
#ifdef ZTS
  original(INTERNAL_FUNCTION_PARAM_PASSTHRU);
#else
  if (!children.put()) {
    original(INTERNAL_FUNCTION_PARAM_PASSTHRU);
    return;
  }
  // Shutdown functions run before the request's end.
  zend_try { original(INTERNAL_FUNCTION_PARAM_PASSTHRU); }
  zend_catch {
    children.restore();
    zend_bailout();
  }
  zend_end_try();
  children.restore();
#endif
}

}  // namespace mailorigin::php
