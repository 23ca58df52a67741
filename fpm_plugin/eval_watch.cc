#include "fpm_plugin/eval_watch.h"

#include <tuple>

#include "fpm_plugin/module_state.h"
#include "fpm_plugin/php_api.h"

namespace mailorigin::php {

namespace {

decltype(zend_compile_string) next_compile = nullptr;

// Whatever this PHP's arguments are: the second is the name of what is compiled.
template <class... Arguments>
zend_op_array* compile(Arguments... arguments) {
  const char* const name = std::get<1>(std::tie(arguments...));
  if (name && is_eval(name)) module_state().eval_has_run = true;
  return next_compile(arguments...);
}

}  // namespace

bool is_eval(std::string_view file) { return file.ends_with("eval()'d code"); }

void watch_eval() {
  next_compile = zend_compile_string;
  zend_compile_string = compile;
}

void stop_watching_eval() {
  decltype(zend_compile_string) const ours = compile;
  if (zend_compile_string == ours) zend_compile_string = next_compile;
}

bool eval_has_run() { return module_state().eval_has_run; }

void forget_eval() { module_state().eval_has_run = false; }

}  // namespace mailorigin::php
