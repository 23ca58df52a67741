// A command line's words, as the shell that PHP hands it to splits it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mailorigin::php {

// POSIX sh's blanks, quotes and backslashes; an operator ends a word. Nothing is
// expanded: PHP escapes a script's expansions (escapeshellcmd), and in sendmail_path
// they are the administrator's.
std::vector<std::string> shell_words(std::string_view command);

}  // namespace mailorigin::php
