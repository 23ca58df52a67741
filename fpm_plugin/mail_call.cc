#include "fpm_plugin/mail_call.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "fpm_plugin/header_text.h"

namespace mailorigin::php {

namespace {

std::string_view view(const zend_string* text) {
  return text ? std::string_view(ZSTR_VAL(text), ZSTR_LEN(text)) : std::string_view();
}

// Of a text that PHP goes on with as a C string.
std::string_view view_to_nul(const zend_string* text) {
  return view(text).substr(0, view(text).find('\0'));
}

// php_trim() at the right, as mail() does it.
std::string_view trimmed(std::string_view text) {
  const std::size_t last = text.find_last_not_of(std::string_view(" \n\r\t\v\0", 6));
  return text.substr(0, last == text.npos ? 0 : last + 1);
}

// Puts `text` in an argument's place, which takes it over.
void replace_argument(zend_execute_data* execute_data, std::uint32_t number, zend_string* text) {
  zval* const argument = ZEND_CALL_ARG(execute_data, number);
  zval_ptr_dtor(argument);
  ZVAL_STR(argument, text);
}

// What the function itself would do to arguments of its caller's, done to copies.
void blank_nuls(zend_execute_data* execute_data) {
  for (std::uint32_t number = 1; number <= ZEND_CALL_NUM_ARGS(execute_data); number++) {
    const zval* argument = ZEND_CALL_ARG(execute_data, number);
    ZVAL_DEREF(argument);
    if (Z_TYPE_P(argument) != IS_STRING) continue;
    if (view(Z_STR_P(argument)).find('\0') == std::string_view::npos) continue;
    zend_string* const copy = zend_string_init(Z_STRVAL_P(argument), Z_STRLEN_P(argument), 0);
    std::replace(ZSTR_VAL(copy), ZSTR_VAL(copy) + ZSTR_LEN(copy), '\0', ' ');
    replace_argument(execute_data, number, copy);
  }
}

// Of the arguments as they are sent: what PHP 7 would make of them is in their places already.
Parsed read_arguments(zend_execute_data* execute_data, bool null_parameters, MailArguments& given) {
  Parsed parsed = parse_mail_arguments(execute_data, null_parameters, given);
  if (parsed != Parsed::fine || !mail_takes_nul) return parsed;
  if (given.header_table) {
    zend_string* const text = text_of_headers(given.header_table);
    if (EG(exception)) {
      if (text) zend_string_release(text);
      return Parsed::refused;
    }
    // It has warned of what is wrong with them, and is not to do it twice.
    replace_argument(execute_data, header_argument, text ? text : ZSTR_EMPTY_ALLOC());
  }
  blank_nuls(execute_data);
  given = MailArguments();
  return parse_mail_arguments(execute_data, null_parameters, given);
}

// mail() and mb_send_mail() differ in whether their last argument may be null.
Reading read_with_array(zend_execute_data* execute_data, bool null_parameters, MailCall& call) {
  MailArguments given;
  const Parsed parsed = read_arguments(execute_data, null_parameters, given);
  if (parsed == Parsed::refused) return Reading::thrown;
  if (parsed == Parsed::left_to_php) return Reading::not_mail;

  if (given.header_table) {
    call.header_table = given.header_table;
    call.built = text_of_headers(call.header_table);
    if (EG(exception)) return Reading::thrown;
    call.headers = view(call.built);
  } else {
    if (view(given.headers).find('\0') != std::string_view::npos) return Reading::not_mail;
    call.headers = trimmed(view(given.headers));
  }
  if (php_refuses(call.headers, PG(mail_x_header))) {
    release(call);
    return Reading::not_mail;
  }
  call.to = view(given.to);
  call.subject = view(given.subject);
  call.message = view(given.message);
  // As PHP makes them safe for the shell, which splits them: an option is what
  // sendmail will see, not what the script wrote.
  if (const char* forced = setting_text("mail.force_extra_parameters")) {
    zend_string* const command = zend_string_init(forced, std::strlen(forced), 0);
    call.escaped = escaped_for_shell(command);
    zend_string_release(command);
  } else if (given.parameters) {
    call.escaped = escaped_for_shell(given.parameters);
  }
  call.parameters = view(call.escaped);
  call.line_end = line_end_of_mail();
  return Reading::mail;
}

// Nothing in this argument begins a field of its own, which would stand before ours.
void keep_on_its_line(zend_execute_data* execute_data, std::uint32_t number) {
  if (number > ZEND_CALL_NUM_ARGS(execute_data)) return;
  zval* argument = ZEND_CALL_ARG(execute_data, number);
  if (Z_TYPE_P(argument) != IS_STRING || !has_loose_line_end(view(Z_STR_P(argument)))) return;
  zend_string* kept = zend_string_init(Z_STRVAL_P(argument), Z_STRLEN_P(argument), 0);
  blank_loose_line_ends(ZSTR_VAL(kept), ZSTR_LEN(kept));
  replace_argument(execute_data, number, kept);
}

// The argument as text: of the arguments that PHP has coerced already.
std::string_view argument_text(zend_execute_data* execute_data, std::uint32_t number) {
  if (number > ZEND_CALL_NUM_ARGS(execute_data)) return {};
  const zval* argument = ZEND_CALL_ARG(execute_data, number);
  return Z_TYPE_P(argument) == IS_STRING ? view_to_nul(Z_STR_P(argument)) : std::string_view();
}

}  // namespace

Reading read_mail(zend_execute_data* execute_data, MailCall& call) {
  return read_with_array(execute_data, false, call);
}

Reading read_mb_send_mail(zend_execute_data* execute_data, MailCall& call) {
  call.is_converted = true;
  return read_with_array(execute_data, true, call);
}

Reading read_imap_mail(zend_execute_data* execute_data, MailCall& call) {
  zend_string* to = nullptr;
  zend_string* subject = nullptr;
  zend_string* message = nullptr;
  zend_string* headers = nullptr;
  zend_string* cc = nullptr;
  zend_string* bcc = nullptr;
  zend_string* return_path = nullptr;
  if (zend_parse_parameters(ZEND_NUM_ARGS(), "PPP|P!P!P!P!", &to, &subject, &message, &headers, &cc,
                            &bcc, &return_path) == FAILURE) {
    return Reading::thrown;
  }
  if (ZSTR_LEN(to) == 0 || ZSTR_LEN(subject) == 0) return Reading::not_mail;

  for (const std::uint32_t number : {1, 2, 5, 6, 7}) keep_on_its_line(execute_data, number);
  call.to = argument_text(execute_data, 1);
  call.subject = argument_text(execute_data, 2);
  call.message = argument_text(execute_data, 3);
  call.headers = argument_text(execute_data, 4);
  call.cc = argument_text(execute_data, 5);
  call.bcc = argument_text(execute_data, 6);
  call.return_path = argument_text(execute_data, 7);
  call.line_end = "\n";
  return Reading::mail;
}

Reading read_error_log(zend_execute_data* execute_data, MailCall& call) {
  constexpr int mail_type = 1;
  if (ZEND_NUM_ARGS() < 2) return Reading::not_mail;
  const zval* given_type = ZEND_CALL_ARG(execute_data, 2);
  if (Z_TYPE_P(given_type) == IS_LONG && static_cast<int>(Z_LVAL_P(given_type)) != mail_type) {
    return Reading::not_mail;
  }
  zend_string* message = nullptr;
  zend_long type = 0;
  zend_string* destination = nullptr;
  zend_string* headers = nullptr;
  ZEND_PARSE_PARAMETERS_START(1, 4)
  Z_PARAM_STR(message)
  Z_PARAM_OPTIONAL
  Z_PARAM_LONG(type)
  Z_PARAM_PATH_STR_EX(destination, 1, 0)
  Z_PARAM_STR_EX(headers, 1, 0)
  ZEND_PARSE_PARAMETERS_END_EX(return Reading::thrown);

  // Strings are coerced in place; the number is too, or error_log() would say
  // again that it is deprecated to give, say, null.
  zval* type_argument = ZEND_CALL_ARG(execute_data, 2);
  zval_ptr_dtor(type_argument);
  ZVAL_LONG(type_argument, type);
  // PHP itself takes the number as an int, and so 4294967297 for 1.
  if (static_cast<int>(type) != mail_type) return Reading::not_mail;

  call.headers = view_to_nul(headers);
  if (php_refuses(call.headers, PG(mail_x_header))) return Reading::not_mail;
  keep_on_its_line(execute_data, 3);
  call.to = argument_text(execute_data, 3);
  call.subject = "PHP error_log message";
  call.message = view_to_nul(message);
  call.line_end = line_end_of_mail();
  return Reading::mail;
}

void release(MailCall& call) {
  for (zend_string** owned : {&call.built, &call.escaped}) {
    if (*owned) zend_string_release(*owned);
    *owned = nullptr;
  }
}

}  // namespace mailorigin::php
