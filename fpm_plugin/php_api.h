// PHP's headers, those without C linkage of their own included; and what differs between
// PHP's versions, from 7.4 on. That is told by what the headers declare: a version's number
// decides only where PHP behaves differently and declares the same.
#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>

#include "php.h"
#include "php_ini.h"
// php.h comes first: the others need its types.
#include "SAPI.h"
#include "ext/standard/info.h"
#include "php_globals.h"
#include "php_variables.h"
#include "zend_exceptions.h"
#include "zend_generators.h"

extern "C" {
#include "ext/standard/exec.h"
#include "ext/standard/php_mail.h"
#include "ext/standard/php_string.h"
}

namespace mailorigin::php {

template <class Function>
struct ResultOf;
template <class Result, class... Arguments>
struct ResultOf<Result (*)(Arguments...)> {
  using type = Result;
};

// What loads the environment into an array, beside php_import_environment_variables; null, and
// called by nobody, where that is all there is.
inline auto& environment_loader() {
#ifdef MAILORIGIN_PHP_HAS_php_load_environment_variables
  return php_load_environment_variables;
#else
  static decltype(php_import_environment_variables) none = nullptr;
  return none;
#endif
}

// php.ini is being read, before there is any process for requests. A PHP that does not
// tell has no JIT, either.
inline bool is_during_startup() {
#ifdef MAILORIGIN_PHP_HAS_php_during_module_startup
  return php_during_module_startup();
#else
  return false;
#endif
}

// Of what PHP calls: int at first, later zend_result.
using ModuleResult = ResultOf<decltype(zend_module_entry::module_startup_func)>::type;
using PostStartupResult = ResultOf<decltype(zend_post_startup_cb)>::type;
using ActivateResult = ResultOf<decltype(sapi_module_struct::activate)>::type;

// What a SAPI's callbacks take as text, which none of them changes.
using SapiText = std::conditional_t<
    std::is_invocable_v<decltype(sapi_module_struct::log_message), const char*, int>, const char*,
    char*>;

// Text of PHP's, of which some was a C string at first; empty for null.
inline std::string_view text_of(const zend_string* text) {
  return text ? std::string_view(ZSTR_VAL(text), ZSTR_LEN(text)) : std::string_view();
}
inline std::string_view text_of(const char* text) { return text ? text : ""; }

// A setting of PHP's as it is now, .user.ini and ini_set() included; null where there is
// none, or it is unset.
inline const char* setting_text(std::string_view name) {
  return zend_ini_string_ex(const_cast<char*>(name.data()), name.size(), 0, nullptr);
}
// As php.ini or the pool has it.
inline const char* original_setting_text(std::string_view name) {
  return zend_ini_string_ex(const_cast<char*>(name.data()), name.size(), 1, nullptr);
}
// 0 where there is none. A switch that is on is 1.
inline zend_long setting_number(std::string_view name) {
  return zend_ini_long(const_cast<char*>(name.data()), name.size(), 0);
}

template <class Number>
void register_ini_entries(const zend_ini_entry_def* entries, Number type, Number module_number) {
  if constexpr (requires { zend_register_ini_entries_ex(entries, module_number, type); }) {
    zend_register_ini_entries_ex(entries, module_number, type);
  } else {
    (void)type;
    zend_register_ini_entries(entries, module_number);
  }
}
template <class Number>
void unregister_ini_entries(Number type, Number module_number) {
  if constexpr (requires { zend_unregister_ini_entries_ex(module_number, type); }) {
    zend_unregister_ini_entries_ex(module_number, type);
  } else {
    (void)type;
    zend_unregister_ini_entries(module_number);
  }
}

// What the shell is to see of a command; the caller's.
template <class Command>
zend_string* escaped_for_shell(Command* command) {
  if constexpr (std::is_invocable_v<decltype(php_escape_shell_cmd), Command*>) {
    return php_escape_shell_cmd(command);
  } else {
    return php_escape_shell_cmd(ZSTR_VAL(command));
  }
}

// A script's table of headers as text; the caller's. Says what is wrong with it as mail()
// does: by an exception, PHP 7 by a warning, and leaves the field out.
template <class Table, class Value = zval>
zend_string* text_of_headers(Table* headers) {
  if constexpr (std::is_invocable_v<decltype(php_mail_build_headers), Table*>) {
    return php_mail_build_headers(headers);
  } else {
    Value table;
    ZVAL_ARR(&table, headers);
    return php_mail_build_headers(&table);
  }
}

// PHP 7's mail() makes a blank of each NUL in its arguments; later ones refuse them.
inline constexpr bool mail_takes_nul = PHP_MAJOR_VERSION < 8;

// The arguments of mail() and mb_send_mail(), as strings in their places; what is not given
// is null. The headers are a table or a string.
struct MailArguments {
  zend_string* to = nullptr;
  zend_string* subject = nullptr;
  zend_string* message = nullptr;
  HashTable* header_table = nullptr;
  zend_string* headers = nullptr;
  zend_string* parameters = nullptr;
};
enum class Parsed { fine, refused, left_to_php };

// `null_parameters`: the last may be null. Refuses what the function would refuse, with its
// words; what it would say of other headers is left to it.
inline Parsed parse_mail_arguments(zend_execute_data* execute_data, bool null_parameters,
                                   MailArguments& given) {
#ifdef Z_PARAM_ARRAY_HT_OR_STR
  ZEND_PARSE_PARAMETERS_START(3, 5)
  Z_PARAM_PATH_STR(given.to)
  Z_PARAM_PATH_STR(given.subject)
  Z_PARAM_PATH_STR(given.message)
  Z_PARAM_OPTIONAL
  Z_PARAM_ARRAY_HT_OR_STR(given.header_table, given.headers)
  Z_PARAM_PATH_STR_EX(given.parameters, null_parameters, 0)
  ZEND_PARSE_PARAMETERS_END_EX(return Parsed::refused);
#else
  (void)null_parameters;  // PHP 7 takes null for a string everywhere
  zval* headers = nullptr;
  ZEND_PARSE_PARAMETERS_START(3, 5)
  Z_PARAM_STR(given.to)
  Z_PARAM_STR(given.subject)
  Z_PARAM_STR(given.message)
  Z_PARAM_OPTIONAL
  Z_PARAM_ZVAL(headers)
  Z_PARAM_STR(given.parameters)
  ZEND_PARSE_PARAMETERS_END_EX(return Parsed::refused);
  if (!headers) return Parsed::fine;
  ZVAL_DEREF(headers);
  if (Z_TYPE_P(headers) == IS_ARRAY) {
    given.header_table = Z_ARRVAL_P(headers);
  } else if (Z_TYPE_P(headers) == IS_STRING) {
    given.headers = Z_STR_P(headers);
  } else {
    return Parsed::left_to_php;
  }
#endif
  return Parsed::fine;
}

// Between the header lines that mail() adds.
inline const char* line_end_of_mail() {
  if (PHP_MAJOR_VERSION < 8 || setting_number("mail.mixed_lf_and_crlf") != 0) return "\n";
  const char* const mode = setting_text("mail.cr_lf_mode");
  return mode && strcasecmp(mode, "crlf") != 0 ? "\n" : "\r\n";
}

}  // namespace mailorigin::php
