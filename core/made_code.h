// Code that PHP compiles from a text, and the file that made it.
#pragma once

#include <string_view>

namespace mailorigin {

// Of "FILE(line) : eval()'d code", as PHP calls code that a file made, and of what that made in
// turn, "FILE(line) : eval()'d code(line) : eval()'d code", the file; any other name as it is.
// A part of `name`. Source: zend_make_compiled_string_description().
std::string_view maker_of(std::string_view name);

}  // namespace mailorigin
