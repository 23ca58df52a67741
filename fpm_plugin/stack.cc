#include "fpm_plugin/stack.h"

#include <algorithm>

#include "core/wire/asking.h"
#include "fpm_plugin/made_code.h"
#include "fpm_plugin/mailer_libraries.h"
#include "fpm_plugin/php_api.h"

namespace mailorigin::php {

namespace {

// The frame itself or the next older one that is a script's. Nothing about a frame is
// taken for granted: extensions make frames, too.
zend_execute_data* script_frame_from(zend_execute_data* frame) {
  while (frame) {
    // Generators that a `yield from` leads through are linked only when asked for.
    frame = zend_generator_check_placeholder_frame(frame);
    if (frame->func && ZEND_USER_CODE(frame->func->type)) break;
    frame = frame->prev_execute_data;
  }
  return frame;
}

std::string_view file_of(const zend_op_array& code) {
  const zend_string* name = code.filename;
  return name ? std::string_view(ZSTR_VAL(name), ZSTR_LEN(name)) : nameless_file;
}

std::string_view file_of(const zend_execute_data* frame) { return file_of(frame->func->op_array); }

std::uint32_t line_of(const zend_execute_data* frame) {
  const zend_op_array& code = frame->func->op_array;
  if (!frame->opline) return code.opcodes ? code.opcodes[0].lineno : code.line_start;
  // A frame that an exception passes through stands at an opcode without line.
  if (frame->opline->opcode == ZEND_HANDLE_EXCEPTION) {
    return EG(opline_before_exception) ? EG(opline_before_exception)->lineno : code.line_end;
  }
  return frame->opline->lineno;
}

std::string place(const zend_execute_data* frame) {
  return std::string(file_of(frame)) + ':' + std::to_string(line_of(frame));
}

// The code of a file itself and not of a function in it, and no function of PHP's below
// it that has loaded the file (spl_autoload() as a callback): where all that a script
// does begins, unless PHP itself calls one of its functions.
bool is_outer_code(const zend_execute_data* frame) {
  return frame->func->common.function_name == nullptr && !frame->prev_execute_data;
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

// The names of files for rules. They are compared by their address: PHP has one string
// for each file, and a name that comes twice does no harm.
class Scripts {
 public:
  explicit Scripts(CallSite& site) : site_(site) {}

  void add(std::string_view name) {
    if (site_.scripts_cut || std::find(seen_.begin(), seen_.end(), name.data()) != seen_.end()) {
      return;
    }
    seen_.push_back(name.data());
    site_.scripts_cut = name.size() > room_;
    if (site_.scripts_cut) return;
    room_ -= name.size();
    site_.scripts.emplace_back(name);
  }

  void add_all_included() {
    zend_string* name = nullptr;
    ZEND_HASH_FOREACH_STR_KEY(&EG(included_files), name) {
      if (name) add({ZSTR_VAL(name), ZSTR_LEN(name)});
    }
    ZEND_HASH_FOREACH_END();
  }

 private:
  CallSite& site_;
  std::vector<const char*> seen_;
  std::size_t room_ = scripts_limit;
};

}  // namespace

CallSite call_site(std::string_view entry, const std::vector<std::string>& more_mailers) {
  CallSite site;
  Scripts scripts(site);
  const zend_execute_data* outermost = nullptr;
  std::size_t examined = 0;
  zend_execute_data* frame = script_frame_from(EG(current_execute_data));
  const ScriptLine here = executed_line();
  site.file = here.file;
  site.line = here.line;
  for (; frame && examined < stack_frames_examined;
       frame = script_frame_from(frame->prev_execute_data), examined++) {
    outermost = frame;
    scripts.add(file_of(frame));
    site.eval = site.eval || is_made(file_of(frame));
    if (site.caller.empty() && !is_mailer_library(frame->func->op_array, more_mailers)) {
      site.caller = place(frame);
    }
    if (!site.truncated) add_to_stack(site, place(frame), examined);
  }
  site.scripts_cut = site.scripts_cut || frame;
  // PHP itself has made the call, or called the function that makes it: whoever asked
  // it to, in a callback or a destructor, is on no stack any more.
  if (!outermost || !is_outer_code(outermost)) {
    scripts.add_all_included();
    site.eval = site.eval || made_code_has_run();
  }
  // A library that is itself the script that was asked for: then it is the caller.
  if (site.caller.empty()) site.caller = outermost ? place(outermost) : std::string(entry);
  return site;
}

ScriptLine executed_line() {
  const zend_execute_data* const frame = script_frame_from(EG(current_execute_data));
  return frame ? ScriptLine{file_of(frame), line_of(frame)} : ScriptLine{"[no active file]", 0};
}

std::string outermost_file() {
  std::string_view file;
  for (zend_execute_data* frame = script_frame_from(EG(current_execute_data)); frame;
       frame = script_frame_from(frame->prev_execute_data)) {
    file = file_of(frame);
  }
  return std::string(file);
}

}  // namespace mailorigin::php
