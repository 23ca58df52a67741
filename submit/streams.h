// Bytes from one descriptor to another, of any amount in constant memory.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace mailorigin::submit {

// False where it could not be written whole; errno says why.
bool write_all(int fd, std::string_view bytes);

// How many bytes were read; 0 at the end. Nothing where it cannot be read; errno says why.
std::optional<std::size_t> read_some(int fd, char* into, std::size_t room);

// Until `from` ends or nobody reads `to` any more. True: all of it was copied.
bool copy_until_end(int from, int to);

// Gives those of standard input, output and error that the caller has closed to nobody: else
// what is opened next would stand there. False where there is no descriptor left.
bool open_standard_streams();

// Reads until the end, so that who writes there is not stopped by a signal.
void drain(int fd);

}  // namespace mailorigin::submit
