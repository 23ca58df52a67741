#include "fpm_plugin/program_functions.h"

#include <cstdint>
#include <cstring>
#include <string_view>

#include "client/inherited_call.h"
#include "core/name_values.h"
#include "fpm_plugin/claims.h"
#include "fpm_plugin/firewall_page.h"
#include "fpm_plugin/function_hook.h"
#include "fpm_plugin/module_state.h"

namespace mailorigin::php {

namespace {

template <std::size_t index>
void handler(INTERNAL_FUNCTION_PARAMETERS);

struct ProgramFunction {
  FunctionHook hook;
  std::uint32_t environment_argument = 0;  // which argument names an environment; 0: none
};

// The backtick operator is shell_exec().
ProgramFunction program_functions[] = {
    {{"exec", handler<0>}},          {{"shell_exec", handler<1>}}, {{"system", handler<2>}},
    {{"passthru", handler<3>}},      {{"popen", handler<4>}},      {{"proc_open", handler<5>}, 5},
    {{"pcntl_exec", handler<6>}, 3},
};

// For programs that lose their environment, and for the connections of all.
void publish(const Event& call) {
  if (!is_published()) return;
  publish_call(call.get(Field::file), parse_number(call.get(Field::line)).value_or(0),
               call.get(Field::caller));
}

// No Zend function that may leave by longjmp runs inside.
bool prepare(const char* function, ModuleState& state) noexcept {
  try {
    const Question question =
        question_of_call(function, state.request.entry, state.settings.mailers);
    state.children.prepare(state.request.context, client::encode_call(question));
    publish(question.claims);
    return true;
  } catch (...) {  // no memory: the program is known by its user alone
    return false;
  }
}

// "NAME=value" of ours, which a script has written under a number.
bool is_one_of_ours(const zval* value, const ChildEnvironment& children) {
  if (Z_TYPE_P(value) != IS_STRING) return false;
  const std::string_view text(Z_STRVAL_P(value), Z_STRLEN_P(value));
  for (const ChildEnvironment::Variable& variable : children.variables()) {
    const std::size_t length = std::strlen(variable.name);
    if (text.starts_with(variable.name) && text.substr(length).starts_with('=')) return true;
  }
  return false;
}

void add_to_environment(zval* argument, const ChildEnvironment& children) {
  ZVAL_DEREF(argument);
  if (Z_TYPE_P(argument) != IS_ARRAY) return;
  HashTable* const given = Z_ARRVAL_P(argument);
  zval environment;
  array_init_size(&environment, zend_hash_num_elements(given) + 3);
  zend_ulong number = 0;
  zend_string* name = nullptr;
  zval* value = nullptr;
  ZEND_HASH_FOREACH_KEY_VAL(given, number, name, value) {
    if (!name && is_one_of_ours(value, children)) continue;
    Z_TRY_ADDREF_P(value);
    if (name) {
      zend_hash_add_new(Z_ARRVAL(environment), name, value);
    } else {
      zend_hash_index_add_new(Z_ARRVAL(environment), number, value);
    }
  }
  ZEND_HASH_FOREACH_END();
  for (const ChildEnvironment::Variable& variable : children.variables()) {
    if (variable.assignment.empty()) continue;
    const std::size_t length = std::strlen(variable.name);
    add_assoc_stringl_ex(&environment, variable.name, length,
                         variable.assignment.data() + length + 1,
                         variable.assignment.size() - length - 1);
  }
  zval_ptr_dtor(argument);
  ZVAL_COPY_VALUE(argument, &environment);
}

void run(ProgramFunction& function, INTERNAL_FUNCTION_PARAMETERS) {
  ModuleState& state = module_state();
  const zif_handler original = function.hook.original;
  if (!state.settings.enabled || !prepare(function.hook.name, state)) {
    original(INTERNAL_FUNCTION_PARAM_PASSTHRU);
    return;
  }
  const std::uint32_t number = function.environment_argument;
  if (number > 0 && number <= ZEND_CALL_NUM_ARGS(execute_data)) {
    add_to_environment(ZEND_CALL_ARG(execute_data, number), state.children);
  }
  call_with_children(original, state.children, INTERNAL_FUNCTION_PARAM_PASSTHRU);
  withdraw_call();
}

template <std::size_t index>
void handler(INTERNAL_FUNCTION_PARAMETERS) {
  run(program_functions[index], INTERNAL_FUNCTION_PARAM_PASSTHRU);
}

}  // namespace

void install_program_functions() {
  for (ProgramFunction& function : program_functions) install(function.hook);
}

void remove_program_functions() {
  for (ProgramFunction& function : program_functions) remove(function.hook);
}

}  // namespace mailorigin::php
