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

struct CallSite {
  std::string file;  // as PHP's own mail.log has it, "[no active file]" included
  std::uint64_t line = 0;
  std::string caller;      // "file:line": the newest frame that is not a mailer library's
  std::string stack;       // "file:line < file:line ...", newest first
  bool eval = false;       // a frame is eval()'d code
  bool truncated = false;  // `stack` lacks frames
  // Every file of the stack once, as Question::scripts.
  std::vector<std::string> scripts;
  bool scripts_cut = false;
};

// `entry` stands in for the caller of a call that has no frame of a script, as
// one by register_shutdown_function('mail', ...).
CallSite call_site(std::string_view entry);

// The file of the oldest frame; empty without one.
std::string outermost_file();

}  // namespace mailorigin::php
