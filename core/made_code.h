// Code that PHP compiles from a text, and the file that made it.
#pragma once

#include <string_view>
#include <vector>

namespace mailorigin {

// Of "FILE(line) : eval()'d code", as PHP calls code that a file made, and of what that made in
// turn, "FILE(line) : eval()'d code(line) : eval()'d code", each file that may have made it: FILE
// first, the whole name last. More than one may exist, since a file can be called like code.
// Another name is the only one. Parts of `name`; no more than a fifth of its length.
// Source: zend_make_compiled_string_description().
std::vector<std::string_view> makers_of(std::string_view name);

}  // namespace mailorigin
