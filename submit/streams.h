// Bytes from one descriptor to another, of any amount in constant memory.
#pragma once

#include <cstddef>
#include <string_view>

namespace mailorigin::submit {

// False where it could not be written whole; errno says why.
bool write_all(int fd, std::string_view bytes);

// How many bytes were read; 0 at the end. What cannot be read has ended.
std::size_t read_some(int fd, char* into, std::size_t room);

// Until `from` ends or nobody reads `to`, a pipe, any more.
void copy_until_end(int from, int to);

// Reads until the end, so that who writes there is not stopped by a signal.
void drain(int fd);

}  // namespace mailorigin::submit
