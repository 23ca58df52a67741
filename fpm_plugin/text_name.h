// How PHP calls code that it compiles from a text.
#pragma once

#include <algorithm>
#include <string_view>

namespace mailorigin::php {

// "file(line) : eval()'d code", or, before PHP 8, "runtime-created function", "assert
// code" and "mbregex replace"; functions made in it are called so as well.
inline bool is_name_of_text(std::string_view name) {
  const std::size_t end = name.rfind(") : ");
  const std::size_t begin = name.substr(0, end).rfind('(');
  if (end == name.npos || begin == name.npos || begin + 1 == end) return false;
  const std::string_view line = name.substr(begin + 1, end - begin - 1);
  return std::all_of(line.begin(), line.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace mailorigin::php
