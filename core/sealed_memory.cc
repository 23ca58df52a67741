#include "core/sealed_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace mailorigin {

Result<Fd> sealed_memory(const char* name, std::string_view bytes) {
  Fd memory(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory) return system_error("memfd_create", errno);
  while (!bytes.empty()) {
    const ssize_t count = write(memory.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return system_error(std::string("cannot write ") + name, errno);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  if (fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) !=
      0) {
    return system_error(std::string("cannot seal ") + name, errno);
  }
  return memory;
}

}  // namespace mailorigin
