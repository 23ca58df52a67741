#include "reports/store_access.h"

#include <sys/stat.h>

#include <cerrno>

#include "core/default_paths.h"
#include "core/file.h"
#include "core/policy_in_memory.h"
#include "core/socket_paths.h"
#include "reports/fields.h"
#include "reports/remedies.h"
#include "reports/services.h"

namespace mailorigin::reports {

Result<StoreAccess> StoreAccess::open(const StorePolicy& policy, const std::string& file) {
  if (!policy.enabled) return Error{"MailOriginStore is Off: nothing is kept to be looked up"};
  const bool is_file = store::dialect_of(policy.driver) == store::Dialect::sqlite;
  const std::string params = is_file && policy.params.empty() ? file : policy.params;
  uid_t owner = 0;
  if (is_file) {
    struct stat about {};
    // Opened by name, it would be made.
    if (lstat(params.c_str(), &about) != 0) {
      if (errno == ENOENT) return Error{std::string(store_missing) + params};
      return system_error("the store " + params, errno);
    }
    if (!S_ISREG(about.st_mode)) return Error{"the store " + params + " is no file"};
    owner = about.st_uid;
  }
  Result<std::unique_ptr<store::Reader>> reader = [&] {
    const AsOwner as(owner);
    return store::Reader::open(policy.driver, params);
  }();
  if (!reader) {
    return reader.error().context("the store (" + policy.driver +
                                  (is_file ? ' ' + params : std::string()) + ')');
  }
  return StoreAccess(owner, *std::move(reader));
}

Result<KnownHost> known_host(const std::string& runtime_directory) {
  const std::string socket = control_socket(runtime_directory);
  KnownHost host{std::nullopt, default_store(default_state_directory), std::nullopt};
  if (const auto status = ask_status(socket)) {
    if (auto asked = ask_policy(socket)) host.policy = *std::move(asked);
    const std::string named = text_at(member(*status, "store"), "file");
    if (!named.empty()) host.store_file = named;
  } else if (runtime_directory == default_runtime_directory) {
    // What it kept tells as much.
    host.daemon = status.error();
    const auto bytes = read_file(kept_policy(default_state_directory), policy_size_limit);
    if (auto kept = bytes ? Policy::decode(*bytes) : Result<Policy>(Error{})) {
      host.policy = *std::move(kept);
    }
  } else {
    return status.error();
  }
  return host;
}

Result<OpenStore> open_store(const std::string& runtime_directory) {
  auto host = known_host(runtime_directory);
  if (!host) return host.error();
  auto store =
      StoreAccess::open(host->policy ? host->policy->store : StorePolicy{}, host->store_file);
  if (!store && host->daemon) {
    return Error{host->daemon->message + "; and " + store.error().message};
  }
  if (!store) return store.error();
  return OpenStore{std::move(host->policy), *std::move(store)};
}

}  // namespace mailorigin::reports
