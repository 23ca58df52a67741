// From root to the daemon's own user, and its state directory.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/fd.h"
#include "core/key.h"
#include "core/result.h"

namespace mailorigin::service {

struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
};

// By name, or "#uid" (then with that uid's group, or the same number). Not root.
Result<Account> find_account(const std::string& user);

// Makes RLIMIT_NOFILE's soft limit the hard one and returns it.
std::size_t raise_descriptor_limit();

// Makes the directory the account's alone (0700), creating it if it is missing.
// Refuses one that another user owns, and one of root's that is not empty: a
// mistyped path must not take a system directory away.
Status prepare_state_directory(const std::string& path, const Account& account);

// httpd's key of this boot, from <runtime directory>/key; nothing if there is
// none that is root's alone, or only an earlier boot's.
std::optional<SealKey> read_key(const std::string& runtime_directory);

// Gives up root for good: groups but for those that are named, gid, uid, no new privileges,
// and other processes of the account can not look into this one, which may hold the key.
Status become(const Account& account, const std::vector<gid_t>& groups = {});

// Holds the state directory for one daemon. Waits until its predecessor has
// gone, at most `patience`.
Result<Fd> lock_state_directory(const std::string& path, std::chrono::milliseconds patience);

}  // namespace mailorigin::service
