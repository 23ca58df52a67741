#include "service/policy_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

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

std::optional<Policy> PolicyKeeper::load() {
  auto policy = load_policy(state_directory_);
  if (policy) return *std::move(policy);
  notices_.say(Notice::Level::error,
               wording_.unreadable.before + policy.error().message + wording_.unreadable.behind);
  return std::nullopt;
}

void PolicyKeeper::keep(std::string_view encoded) {
  if (const Status saved = save_policy(state_directory_, encoded); !saved) {
    notices_.begins("policy", Notice::Level::error,
                    wording_.not_kept.before + saved.error().message + wording_.not_kept.behind);
  } else {
    notices_.over("policy", wording_.kept_again);
  }
}

void PolicyKeeper::forget() {
  unlink(kept_policy(state_directory_).c_str());
  notices_.forget("policy");
}

}  // namespace mailorigin::service
