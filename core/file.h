// A file, read whole; a directory, likewise, or made.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

#include "core/fd.h"
#include "core/result.h"

namespace mailorigin {

// Opens a regular file for reading, and nothing else: a device or a FIFO, which notice when
// they are opened, are not. `flags` beside O_RDONLY: O_NOFOLLOW refuses a path that ends in a
// symbolic link. Fails where it is something else, and where /proc is not mounted.
Result<Fd> open_regular_file(const std::string& path, int flags);

// All of a regular file, from its beginning; of /proc, too. Fails if there are
// more than `limit` bytes. The descriptor's own position stays where it is.
Result<std::string> read_file(int fd, std::size_t limit);

// The same of a path, which is not followed where it ends in a symbolic link.
Result<std::string> read_file(const std::string& path, std::size_t limit);

// The names in a directory but `.` and `..`, in no order. Fails where it cannot be opened.
Result<std::vector<std::string>> names_in(const std::string& directory);

// One that is there stays as it is; else it is made with this mode, whatever the umask. Its parent
// has to be there.
Status ensure_directory(const std::string& directory, mode_t mode);

}  // namespace mailorigin
