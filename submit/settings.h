// What the administrator has settled for mailorigin-sendmail: in its file, or with
// options of its own on its command line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "client/outcome.h"
#include "submit/exit_status.h"

namespace mailorigin::submit {

inline constexpr const char* program_name = "mailorigin-sendmail";  // in syslog, too

struct Settings {
  client::Conduct conduct;
  std::string real;                // path of the real program
  std::vector<std::string> words;  // its arguments, the name by which we were called first
};

// Takes the options that begin with --mailorigin- out of the words, where they stand before
// all others; a program that runs with more rights than who started it accepts none. Fails on one
// that is not known or has a value that is not accepted, on such a line in the file, which need not
// be there, and where no program is found that is not this one itself.
std::variant<Settings, Ending> read_settings(std::vector<std::string> words,
                                             const std::string& file, bool privileged);

}  // namespace mailorigin::submit
