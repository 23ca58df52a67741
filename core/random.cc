#include "core/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

namespace mailorigin {

void random_bytes(void* out, std::size_t size) {
  auto* to = static_cast<unsigned char*>(out);
  while (size > 0) {
    const ssize_t got = getrandom(to, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) std::abort();
    to += got;
    size -= static_cast<std::size_t>(got);
  }
}

}  // namespace mailorigin
