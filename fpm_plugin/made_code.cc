#include "fpm_plugin/made_code.h"

#include <algorithm>
#include <tuple>

#include "fpm_plugin/module_state.h"
#include "fpm_plugin/php_api.h"
#include "fpm_plugin/text_name.h"

namespace mailorigin::php {

namespace {

decltype(zend_compile_string) next_compile = nullptr;
decltype(zend_stream_open_function) next_open = nullptr;

// Whatever this PHP's arguments are: the second is the name of what is compiled.
template <class... Arguments>
zend_op_array* compile(Arguments... arguments) {
  const char* const name = std::get<1>(std::tie(arguments...));
  if (name && is_name_of_text(name)) module_state().made_code.has_run = true;
  return next_compile(arguments...);
}

// Files, and those in an archive. A stream of a script's own class is called what the
// script wants, and may take the place of file://; php:// and data: make code of what is
// in memory, or of anything by a filter.
bool names_its_file(const php_stream& stream) {
  const std::string_view label = stream.wrapper ? stream.wrapper->wops->label : "";
  return label == "plainfile" || label == "phar";
}

void note(const zend_file_handle& file) noexcept {
  MadeCode& made = module_state().made_code;
  made.has_run = true;
  try {
    made.stream_names.emplace_back(file.opened_path ? text_of(file.opened_path)
                                                    : text_of(file.filename));
  } catch (...) {
    made.names_are_lost = true;
  }
}

// The last of this PHP's arguments is the file.
template <class Result, class... Arguments>
Result open(Arguments... arguments) {
  const Result result = next_open(arguments...);
  const auto* const file = std::get<sizeof...(arguments) - 1>(std::tie(arguments...));
  if (result == SUCCESS && file->type == ZEND_HANDLE_STREAM &&
      !names_its_file(*static_cast<const php_stream*>(file->handle.stream.handle))) {
    note(*file);
  }
  return result;
}

}  // namespace

bool is_made(std::string_view name) {
  const MadeCode& made = module_state().made_code;
  return is_name_of_text(name) || made.names_are_lost ||
         std::find(made.stream_names.begin(), made.stream_names.end(), name) !=
             made.stream_names.end();
}

bool made_code_has_run() { return module_state().made_code.has_run; }

void watch_made_code() {
  next_compile = zend_compile_string;
  zend_compile_string = compile;
  next_open = zend_stream_open_function;
  zend_stream_open_function = open;
}

void stop_watching_made_code() {
  decltype(zend_compile_string) const our_compile = compile;
  if (zend_compile_string == our_compile) zend_compile_string = next_compile;
  decltype(zend_stream_open_function) const our_open = open;
  if (zend_stream_open_function == our_open) zend_stream_open_function = next_open;
}

void forget_made_code() { module_state().made_code = {}; }

}  // namespace mailorigin::php
