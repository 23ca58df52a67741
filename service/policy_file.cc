#include "service/policy_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "core/fd.h"
#include "core/file.h"
#include "service/limits.h"

namespace mailorigin {

Status save_policy(const std::string& state_directory, std::string_view encoded) {
  const std::string path = state_directory + "/policy";
  const std::string fresh = path + ".new";
  const Fd file(open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return system_error(fresh, errno);
  while (!encoded.empty()) {
    const ssize_t part = write(file.get(), encoded.data(), encoded.size());
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) {
      const Error fault = system_error(fresh, errno);
      unlink(fresh.c_str());
      return fault;
    }
    encoded.remove_prefix(static_cast<std::size_t>(part));
  }
  if (rename(fresh.c_str(), path.c_str()) != 0) return system_error(path, errno);
  return Done{};
}

Result<std::optional<Policy>> load_policy(const std::string& state_directory) {
  const std::string path = state_directory + "/policy";
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT) return std::optional<Policy>();
    return system_error(path, errno);
  }
  const auto bytes = read_file(file.get(), policy_size_limit);
  if (!bytes) return bytes.error().context(path);
  auto policy = Policy::decode(*bytes);
  if (!policy) return policy.error().context(path);
  return std::optional<Policy>(*std::move(policy));
}

}  // namespace mailorigin
