#include "fpm_plugin/stack.h"

#include <algorithm>

#include "core/wire/asking.h"
#include "fpm_plugin/mailer_libraries.h"
#include "fpm_plugin/php_api.h"

namespace mailorigin::php {

namespace {

const zend_execute_data* script_frame_from(const zend_execute_data* frame) {
  while (frame && (!frame->func || !ZEND_USER_CODE(frame->func->type))) {
    frame = frame->prev_execute_data;
  }
  return frame;
}

std::string_view file_of(const zend_execute_data* frame) {
  const zend_string* name = frame->func->op_array.filename;
  return {ZSTR_VAL(name), ZSTR_LEN(name)};
}

std::uint32_t line_of(const zend_execute_data* frame) {
  if (!frame->opline) return frame->func->op_array.opcodes[0].lineno;
  // A frame that an exception passes through stands at an opcode without line.
  if (frame->opline->opcode == ZEND_HANDLE_EXCEPTION && EG(opline_before_exception)) {
    return EG(opline_before_exception)->lineno;
  }
  return frame->opline->lineno;
}

// PHP names eval()'d code "file(line) : eval()'d code", and functions made in it too.
bool is_eval(std::string_view file) { return file.ends_with("eval()'d code"); }

std::string place(const zend_execute_data* frame) {
  return std::string(file_of(frame)) + ':' + std::to_string(line_of(frame));
}

void add_to_stack(CallSite& site, const std::string& here, std::size_t frames_before) {
  constexpr std::string_view separator = " < ";
  if (frames_before >= stack_frames_recorded ||
      site.stack.size() + separator.size() + here.size() > stack_text_limit) {
    site.truncated = true;
    return;
  }
  if (!site.stack.empty()) site.stack += separator;
  site.stack += here;
}

// Names are compared by their address: PHP has one string for each file, and a
// name that comes twice does no harm.
void add_script(CallSite& site, std::vector<const zend_string*>& seen, std::size_t& room,
                const zend_string* name) {
  if (site.scripts_cut || std::find(seen.begin(), seen.end(), name) != seen.end()) return;
  seen.push_back(name);
  site.scripts_cut = ZSTR_LEN(name) > room;
  if (site.scripts_cut) return;
  room -= ZSTR_LEN(name);
  site.scripts.emplace_back(ZSTR_VAL(name), ZSTR_LEN(name));
}

}  // namespace

CallSite call_site(std::string_view entry) {
  CallSite site;
  site.file = zend_get_executed_filename();
  site.line = zend_get_executed_lineno();

  const zend_execute_data* outermost = nullptr;
  std::vector<const zend_string*> seen;
  std::size_t room = scripts_limit;
  std::size_t examined = 0;
  const zend_execute_data* frame = script_frame_from(EG(current_execute_data));
  for (; frame && examined < stack_frames_examined;
       frame = script_frame_from(frame->prev_execute_data), examined++) {
    outermost = frame;
    add_script(site, seen, room, frame->func->op_array.filename);
    site.eval = site.eval || is_eval(file_of(frame));
    if (site.caller.empty() && !is_mailer_library(file_of(frame))) site.caller = place(frame);
    if (!site.truncated) add_to_stack(site, place(frame), examined);
  }
  site.scripts_cut = site.scripts_cut || frame;
  // A library that is itself the script that was asked for: then it is the caller.
  if (site.caller.empty()) site.caller = outermost ? place(outermost) : std::string(entry);
  return site;
}

std::string outermost_file() {
  std::string_view file;
  for (const zend_execute_data* frame = script_frame_from(EG(current_execute_data)); frame;
       frame = script_frame_from(frame->prev_execute_data)) {
    file = file_of(frame);
  }
  return std::string(file);
}

}  // namespace mailorigin::php
