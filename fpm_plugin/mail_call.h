// A call that is about to send mail: its arguments, read as the function itself
// will read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "fpm_plugin/php_api.h"

namespace mailorigin::php {

// Every function here takes the headers as its fourth argument.
inline constexpr std::uint32_t header_argument = 4;

// Plain data: Zend functions that may leave by longjmp run while it is alive.
// The views point into the call's own arguments and are good until these change.
struct MailCall {
  std::string_view function;
  std::string_view to;
  std::string_view subject;
  std::string_view message;
  std::string_view headers;     // the script's, as PHP would send them
  std::string_view parameters;  // for sendmail, mail.force_extra_parameters included
  bool is_converted = false;    // the message and the subject, by mb_send_mail()
  // What imap_mail() makes fields of: From, Cc and Bcc.
  std::string_view return_path;
  std::string_view cc;
  std::string_view bcc;

  std::string_view line_end;          // between the header lines that PHP adds
  HashTable* header_table = nullptr;  // the headers, when the script gave an array
  zend_string* built = nullptr;       // what `headers` points into then; owned
  zend_string* escaped = nullptr;     // what `parameters` points into; owned
};

enum class Reading {
  mail,      // `call` is filled in
  not_mail,  // the function sends nothing, or refuses these arguments itself: let it
  thrown,    // reading raised what the function would have raised: return
};

// Reads the arguments of the running call, whose function they belong to.
// Arguments are coerced in place exactly as the function would have done, once.
// A destination that PHP hands to sendmail unchecked is kept on its line.
Reading read_mail(zend_execute_data* execute_data, MailCall& call);
Reading read_mb_send_mail(zend_execute_data* execute_data, MailCall& call);
Reading read_imap_mail(zend_execute_data* execute_data, MailCall& call);
Reading read_error_log(zend_execute_data* execute_data, MailCall& call);

// Releases what `call` owns.
void release(MailCall& call);

}  // namespace mailorigin::php
