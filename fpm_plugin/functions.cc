#include "fpm_plugin/functions.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "client/inherited_call.h"
#include "fpm_plugin/claims.h"
#include "fpm_plugin/error_log.h"
#include "fpm_plugin/function_hook.h"
#include "fpm_plugin/mail_call.h"
#include "fpm_plugin/module_state.h"
#include "fpm_plugin/own_locale.h"
#include "fpm_plugin/refusal.h"
#include "fpm_plugin/stack.h"

namespace mailorigin::php {

using client::HeaderFields;
using client::Outcome;

namespace {

struct MailFunction {
  Reading (*read)(zend_execute_data*, MailCall&);
  FunctionHook hook;
};

template <std::size_t index>
void handler(INTERNAL_FUNCTION_PARAMETERS);

void handle_dl(INTERNAL_FUNCTION_PARAMETERS);

FunctionHook dl_hook{"dl", handle_dl};
bool loaded_by_dl = false;  // no SAPI with threads has dl()

MailFunction mail_functions[] = {
    {read_mail, {"mail", handler<0>}},
    {read_mb_send_mail, {"mb_send_mail", handler<1>}},
    {read_imap_mail, {"imap_mail", handler<2>}},
    {read_error_log, {"error_log", handler<3>}},
};

// The two steps in C++: no Zend function that may leave by longjmp runs inside,
// and nothing but the module's state is left behind.

void ask_about(const MailCall& call, ModuleState& state) noexcept {
  try {
    // What sending takes is there before the question is recorded: room for the copies
    // that are made while the headers are composed, and for the answer's fields.
    if (!call.header_table) state.header_text.reserve(4 * call.headers.size() + packet_limit);
    Question question = question_about(call, state.request.entry, state.settings.mailers);
    state.children.prepare(state.request.context, client::encode_call(question));
    question.context = state.request.context;
    if (question.context.empty()) question.directory = current_directory();
    state.outcome = client::ask_for_outcome(state.asker, state.settings.conduct, question,
                                            log_for_administrator);
    state.children.add_ticket(state.outcome.event_id);
  } catch (...) {  // no memory to record it, nor to name it in a log: it must not leave
    state.outcome = Outcome::exhausted();
  }
}

// False where there is no memory for it. A table of headers is made by PHP itself.
bool compose_headers(const MailCall& call, ModuleState& state) noexcept {
  try {
    std::string().swap(state.header_text);
    const client::HeaderFields& fields = state.outcome.headers;
    if (fields.empty() || call.header_table) return true;
    state.header_text = client::with_fields_in_front(fields, call.headers, call.line_end);
    return true;
  } catch (...) {  // no memory
    return false;
  }
}

// ---- below, only plain data is alive

bool is_one_of_ours(const zend_string* name, const HeaderFields& fields) {
  for (const auto& field : fields) {
    if (zend_binary_strcasecmp(ZSTR_VAL(name), ZSTR_LEN(name), field.first.data(),
                               field.first.size()) == 0) {
      return true;
    }
  }
  return false;
}

// The script's table with our fields in front and its copies of them left out.
// PHP has accepted it, so every key is a name.
void make_header_table(const HeaderFields& fields, HashTable* script_headers, zval* out) {
  array_init_size(
      out, static_cast<std::uint32_t>(fields.size()) + zend_hash_num_elements(script_headers));
  for (const auto& field : fields) {
    zval value;
    ZVAL_STRINGL(&value, field.second.data(), field.second.size());
    zend_hash_str_add_new(Z_ARRVAL_P(out), field.first.data(), field.first.size(), &value);
  }
  zend_string* name = nullptr;
  zval* value = nullptr;
  ZEND_HASH_FOREACH_STR_KEY_VAL(script_headers, name, value) {
    if (is_one_of_ours(name, fields)) continue;
    Z_TRY_ADDREF_P(value);
    zend_hash_add_new(Z_ARRVAL_P(out), name, value);
  }
  ZEND_HASH_FOREACH_END();
}

void make_header_argument(const MailCall& call, ModuleState& state, zval* out) {
  if (call.header_table) {
    make_header_table(state.outcome.headers, call.header_table, out);
  } else {
    ZVAL_STRINGL(out, state.header_text.data(), state.header_text.size());
  }
}

// PHP writes the script's name into a field of its own above ours, line ends and
// all, and takes for granted that there is one: else the mail goes without that field.
bool x_header_would_break() {
  if (!PG(mail_x_header)) return false;
  const std::string_view file = executed_line().file;
  return file == nameless_file || file.find_first_of("\r\n") != file.npos;
}

// What is set for the time of the call is undone at the request's end if the call
// leaves by longjmp: see undo_unfinished_calls().
void call_original(zif_handler original, ModuleState& state, INTERNAL_FUNCTION_PARAMETERS) {
  const bool without_x_header = x_header_would_break();
  if (without_x_header) {
    PG(mail_x_header) = false;
    state.x_header_withheld = true;
  }
  call_with_children(original, state.children, INTERNAL_FUNCTION_PARAM_PASSTHRU);
  if (without_x_header) {
    PG(mail_x_header) = true;
    state.x_header_withheld = false;
  }
}

// A frame beside the call's own, with room for the headers: a frame cannot grow.
// Backtraces show the one or the other, never both. Takes over `headers`.
void call_with_more_arguments(zif_handler original, ModuleState& state, zval* headers,
                              INTERNAL_FUNCTION_PARAMETERS) {
  const std::uint32_t given = ZEND_CALL_NUM_ARGS(execute_data);
  zend_execute_data* sibling = zend_vm_stack_push_call_frame(
      ZEND_CALL_NESTED_FUNCTION, execute_data->func, header_argument, nullptr);
  for (std::uint32_t number = 1; number < header_argument; number++) {
    zval* argument = ZEND_CALL_ARG(sibling, number);
    if (number <= given) {
      ZVAL_COPY(argument, ZEND_CALL_ARG(execute_data, number));
    } else {
      ZVAL_NULL(argument);  // the default of error_log()'s third
    }
  }
  ZVAL_COPY_VALUE(ZEND_CALL_ARG(sibling, header_argument), headers);
  sibling->prev_execute_data = execute_data->prev_execute_data;
  EG(current_execute_data) = sibling;
  call_original(original, state, sibling, return_value);
  EG(current_execute_data) = execute_data;
  zend_vm_stack_free_args(sibling);
  zend_vm_stack_free_call_frame(sibling);
}

void send(zif_handler original, const MailCall& call, ModuleState& state,
          INTERNAL_FUNCTION_PARAMETERS) {
  if (state.outcome.headers.empty()) {
    call_original(original, state, INTERNAL_FUNCTION_PARAM_PASSTHRU);
    return;
  }
  zval headers;
  make_header_argument(call, state, &headers);
  std::string().swap(state.header_text);  // it may be large, and the worker lives long
  if (ZEND_CALL_NUM_ARGS(execute_data) < header_argument) {
    call_with_more_arguments(original, state, &headers, INTERNAL_FUNCTION_PARAM_PASSTHRU);
    return;
  }
  zval* argument = ZEND_CALL_ARG(execute_data, header_argument);
  zval_ptr_dtor(argument);
  ZVAL_COPY_VALUE(argument, &headers);
  call_original(original, state, INTERNAL_FUNCTION_PARAM_PASSTHRU);
}

// False if the mail may not leave: state.outcome says why.
bool ask_and_send(const MailFunction& function, ModuleState& state, INTERNAL_FUNCTION_PARAMETERS) {
  MailCall call;
  call.function = function.hook.name;
  const Reading reading = function.read(execute_data, call);
  if (reading == Reading::thrown) return true;
  if (reading == Reading::not_mail) {
    function.hook.original(INTERNAL_FUNCTION_PARAM_PASSTHRU);
    return true;
  }
  ask_about(call, state);
  if (!compose_headers(call, state)) state.outcome = Outcome::exhausted();
  release(call);
  if (state.outcome.kind != Outcome::Kind::send) return false;
  send(function.hook.original, call, state, INTERNAL_FUNCTION_PARAM_PASSTHRU);
  return true;
}

void run(const MailFunction& function, INTERNAL_FUNCTION_PARAMETERS) {
  ModuleState& state = module_state();
  if (!state.settings.enabled) {
    function.hook.original(INTERNAL_FUNCTION_PARAM_PASSTHRU);
    return;
  }
  const locale_t scripts = enter_own_locale();
  const bool is_refused = !ask_and_send(function, state, INTERNAL_FUNCTION_PARAM_PASSTHRU);
  leave_own_locale(scripts);
  if (!is_refused) return;
  RETVAL_FALSE;
  report_refusal(function.hook.name, state.outcome);
}

template <std::size_t index>
void handler(INTERNAL_FUNCTION_PARAMETERS) {
  run(mail_functions[index], INTERNAL_FUNCTION_PARAM_PASSTHRU);
}

void handle_dl(INTERNAL_FUNCTION_PARAMETERS) {
  dl_hook.original(INTERNAL_FUNCTION_PARAM_PASSTHRU);
  install_mail_functions();
  loaded_by_dl = true;
}

}  // namespace

void install_mail_functions() {
  for (MailFunction& function : mail_functions) install(function.hook);
  install(dl_hook);
}

void remove_mail_functions() {
  for (MailFunction& function : mail_functions) remove(function.hook);
  remove(dl_hook);
}

void let_go_of_loaded_functions() {
  if (loaded_by_dl) remove_mail_functions();
  loaded_by_dl = false;
}

void undo_unfinished_calls() {
  ModuleState& state = module_state();
  state.children.restore();
  if (state.x_header_withheld) PG(mail_x_header) = true;
  state.x_header_withheld = false;
  use_process_locale();
}

}  // namespace mailorigin::php
