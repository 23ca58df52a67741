// One of PHP's internal functions with its handler replaced, which catches every
// way of calling it.
#pragma once

#include "fpm_plugin/child_environment.h"
#include "fpm_plugin/php_api.h"

namespace mailorigin::php {

struct FunctionHook {
  const char* name;
  zif_handler replacement;
  zif_handler original = nullptr;  // null while not installed
};

// Finds out, in MINIT and before the first install(), whether handlers can be
// replaced in this process; if not, install() does nothing. Code that opcache's
// JIT makes is shared by all pools and has the addresses of handlers in it: where
// only this pool loads the plugin, the others would run into the void.
void allow_hooks_where_safe();
bool hooks_are_allowed();

// Does nothing if it is installed, or if there is no such function (yet: another
// extension may bring it, or disable_functions has taken it away).
void install(FunctionHook& hook);

// For MSHUTDOWN. A replacement that someone else put over ours stays.
void remove(FunctionHook& hook);

// Calls what was replaced, with `children` in the environment meanwhile, also if the call leaves
// by longjmp. With threads the environment is left alone.
void call_with_children(zif_handler original, ChildEnvironment& children,
                        INTERNAL_FUNCTION_PARAMETERS);

}  // namespace mailorigin::php
