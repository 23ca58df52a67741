// Where on this host the firewall's parts in the kernel have their place.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "core/fd.h"
#include "core/result.h"
#include "service/privileges.h"

namespace mailorigin::firewall {

// Where cgroup2 is mounted, from the text of /proc/self/mountinfo; empty if it is not.
std::string cgroup2_mount(std::string_view mountinfo);

// An open directory of cgroup2: `path`, or its root where that is empty.
Result<Fd> open_cgroup(const std::string& path);

// Holds the pin directory, and with it the programs and the table of this host, for
// one process, as long as the descriptor is open; waits until a predecessor has gone,
// at most `patience`. If the directory is neither root's nor `owner`'s then, the error
// says that: in a bpf file system that others may write to, a tenant may have been first.
// Makes the directory if asked to, whatever file system that is on. Where there can be
// none, /run/mailorigin-firewall.lock is held in its place; without `make` the descriptor
// is empty where nobody has ever held one. As root.
Result<Fd> lock_pin_directory(const std::string& path, std::optional<uid_t> owner, bool make,
                              std::chrono::milliseconds patience);

// Makes the pin directory, which must lie below a bpf file system, gives it with
// all that is in it to the account, and makes it the working directory. As root.
Status enter_pin_directory(const std::string& path, const service::Account& account);

}  // namespace mailorigin::firewall
