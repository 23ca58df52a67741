// A file, read whole; a directory, likewise.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/result.h"

namespace mailorigin {

// All of a regular file, from its beginning; of /proc, too. Fails if there are
// more than `limit` bytes. The descriptor's own position stays where it is.
Result<std::string> read_file(int fd, std::size_t limit);

// The same of a path, which is not followed where it ends in a symbolic link.
Result<std::string> read_file(const std::string& path, std::size_t limit);

// The names in a directory but `.` and `..`, in no order. Fails where it cannot be opened.
Result<std::vector<std::string>> names_in(const std::string& directory);

}  // namespace mailorigin
