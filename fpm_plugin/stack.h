// Where in the script a call stands.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mailorigin::php {

// Frames that are recorded, and frames that are looked at for the caller: a
// recursion of a million frames must not hold up a mail.
inline constexpr std::size_t stack_frames_recorded = 32;
inline constexpr std::size_t stack_frames_examined = 4096;
inline constexpr std::size_t stack_text_limit = 4096;  // bytes

// A file that PHP has no name of: code of an encoder's, which its loader runs.
inline constexpr std::string_view nameless_file = "[no file name]";

struct CallSite {
  std::string file;  // as PHP's own mail.log has it, "[no active file]" included
  std::uint64_t line = 0;
  std::string caller;      // "file:line": the newest frame that is not a mailer library's
  std::string stack;       // "file:line < file:line ...", newest first
  bool eval = false;       // a frame is eval()'d code, or may have been
  bool truncated = false;  // `stack` lacks frames
  // Every file that may have had a part in the call once, as Question::scripts: those of
  // the stack, and where that does not begin with a script's own code, as in a shutdown
  // function, every file that the request has included.
  std::vector<std::string> scripts;
  bool scripts_cut = false;
};

// `entry` stands in for the caller of a call that has no frame of a script, as
// one by register_shutdown_function('mail', ...).
CallSite call_site(std::string_view entry, const std::vector<std::string>& more_mailers);

// Where the running code of a script stands; "[no active file]", 0 without one. As
// zend_get_executed_filename() has it, which trusts every frame.
struct ScriptLine {
  std::string_view file;  // a name of PHP's, that lives as long as the request
  std::uint32_t line = 0;
};
ScriptLine executed_line();

// The file of the oldest frame; empty without one.
std::string outermost_file();

}  // namespace mailorigin::php
