#include "fpm_plugin/function_hook.h"

#include <cstring>

namespace mailorigin::php {

namespace {

bool allowed = true;

bool jit_may_run() { return INI_INT("opcache.jit_buffer_size") > 0 && INI_BOOL("opcache.enable"); }

// Looked up each time: disable_functions in a pool frees the entry.
zend_internal_function* find(const char* name) {
  auto* function = static_cast<zend_function*>(
      zend_hash_str_find_ptr(CG(function_table), name, std::strlen(name)));
  if (!function || function->type != ZEND_INTERNAL_FUNCTION) return nullptr;
  return &function->internal_function;
}

}  // namespace

void allow_hooks_where_safe() { allowed = php_during_module_startup() || !jit_may_run(); }

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

}  // namespace mailorigin::php
