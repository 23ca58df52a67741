// Bytes on their way to another process, as memory that nobody can change any more.
#pragma once

#include <string_view>

#include "core/fd.h"
#include "core/result.h"

namespace mailorigin {

// A sealed memfd of these bytes: whoever gets it may map it, and what it reads there
// stays as it is. `name` is for /proc. Fails as the system calls do.
Result<Fd> sealed_memory(const char* name, std::string_view bytes);

}  // namespace mailorigin
