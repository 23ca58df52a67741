// A file in a state directory that holds what the next start needs.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace mailorigin::service {

// Replaces the file, 0600, in one step (<path>.new, renamed), once its bytes are on the disk.
Status replace_file(const std::string& path, std::string_view bytes);

}  // namespace mailorigin::service
