#include "core/policy_in_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace mailorigin {

Result<Fd> policy_in_memory(const Policy& policy) {
  const std::string bytes = policy.encode();
  Fd memory(memfd_create("mailorigin-policy", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory) return system_error("memfd_create", errno);
  for (std::size_t written = 0; written < bytes.size();) {
    const ssize_t count = write(memory.get(), bytes.data() + written, bytes.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return system_error("cannot write the policy", errno);
    written += static_cast<std::size_t>(count);
  }
  if (fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) !=
      0) {
    return system_error("cannot seal the policy", errno);
  }
  return memory;
}

}  // namespace mailorigin
