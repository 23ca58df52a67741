// Files of well-known mailer libraries: the caller of mail() is whoever uses them.
#pragma once

#include <string_view>

namespace mailorigin::php {

// `file` is a path as PHP knows it.
bool is_mailer_library(std::string_view file);

}  // namespace mailorigin::php
