// A file, read whole.
#pragma once

#include <cstddef>
#include <string>

#include "core/result.h"

namespace mailorigin {

// All of a regular file, from its beginning; of /proc, too. Fails if there are
// more than `limit` bytes. The descriptor's own position stays where it is.
Result<std::string> read_file(int fd, std::size_t limit);

// The same of a path, which is not followed where it ends in a symbolic link.
Result<std::string> read_file(const std::string& path, std::size_t limit);

}  // namespace mailorigin
