#include "service/policy_file.h"

#include <fcntl.h>

#include <cerrno>

#include "core/default_paths.h"
#include "core/fd.h"
#include "core/file.h"
#include "core/policy_in_memory.h"
#include "service/kept_file.h"

namespace mailorigin::service {

Status save_policy(const std::string& state_directory, std::string_view encoded) {
  return replace_file(kept_policy(state_directory), encoded);
}

Result<std::optional<Policy>> load_policy(const std::string& state_directory) {
  const std::string path = kept_policy(state_directory);
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

}  // namespace mailorigin::service
