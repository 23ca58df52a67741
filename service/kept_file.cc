#include "service/kept_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>

#include "core/fd.h"

namespace mailorigin::service {

namespace {

// Where the kernel is not to be interrupted, a processor is nobody else's meanwhile.
constexpr std::size_t bytes_at_once = 128 << 10;

}  // namespace

Status replace_file(const std::string& path, std::string_view bytes) {
  const std::string fresh = path + ".new";
  const Fd file(open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return system_error(fresh, errno);
  while (!bytes.empty()) {
    const ssize_t part = write(file.get(), bytes.data(), std::min(bytes.size(), bytes_at_once));
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) {
      const Error fault = system_error(fresh, errno);
      unlink(fresh.c_str());
      return fault;
    }
    bytes.remove_prefix(static_cast<std::size_t>(part));
  }
  // Else there may be an empty file in its place when the machine loses its power.
  if (fdatasync(file.get()) != 0) return system_error(fresh, errno);
  if (rename(fresh.c_str(), path.c_str()) != 0) return system_error(path, errno);
  return Done{};
}

}  // namespace mailorigin::service
