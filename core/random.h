// Bytes from the kernel's random source.
#pragma once

#include <cstddef>

namespace mailorigin {

// Never fails: without random bytes there is no safe way on, so the process ends.
void random_bytes(void* out, std::size_t size);

}  // namespace mailorigin
