#include "service/privileges.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <thread>
#include <utility>

#include "core/file.h"
#include "core/name_values.h"

namespace mailorigin::service {

namespace {

bool is_empty(const std::string& path) {
  const auto names = names_in(path);
  return names && names->empty();
}

}  // namespace

Result<Account> find_account(const std::string& user) {
  Account account;
  const passwd* entry = nullptr;
  if (user.starts_with('#')) {
    const auto uid = parse_number(std::string_view(user).substr(1), UINT32_MAX - 1);
    if (!uid) return Error{"--user: '" + user + "' is not a name or #uid"};
    account = {static_cast<uid_t>(*uid), static_cast<gid_t>(*uid)};
    entry = getpwuid(account.uid);
  } else {
    entry = getpwnam(user.c_str());
    if (entry == nullptr) return Error{"--user: there is no user '" + user + "'"};
  }
  if (entry != nullptr) account = {entry->pw_uid, entry->pw_gid};
  if (account.uid == 0) return Error{"--user: must not be root"};
  return account;
}

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

Status prepare_state_directory(const std::string& path, const Account& account) {
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return system_error(path, errno);
  const Fd directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory) return system_error(path, errno);
  struct stat about {};
  if (fstat(directory.get(), &about) != 0) return system_error(path, errno);
  if (about.st_uid != account.uid) {
    if (about.st_uid != 0) {
      return Error{path + ": belongs to uid " + std::to_string(about.st_uid) +
                   ", not to the service's user; chown it with all that is in it"};
    }
    if (!is_empty(path)) {
      return Error{path +
                   ": belongs to root and is not empty; a state directory is the service's " +
                   "own, name another one or chown it with all that is in it"};
    }
    if (fchown(directory.get(), account.uid, account.gid) != 0) return system_error(path, errno);
  }
  if (fchmod(directory.get(), 0700) != 0) return system_error(path, errno);
  return Done{};
}

std::optional<SealKey> read_key(const std::string& runtime_directory) {
  const auto boot = boot_id();
  if (!boot) return std::nullopt;
  auto key = load_key(runtime_directory + "/key", *boot);
  return key ? *std::move(key) : std::nullopt;
}

Status become(const Account& account, const std::vector<gid_t>& groups) {
  if (geteuid() == 0) {
    if (setgroups(groups.size(), groups.data()) != 0) return system_error("setgroups", errno);
    if (setgid(account.gid) != 0) return system_error("setgid", errno);
    if (setuid(account.uid) != 0) return system_error("setuid", errno);
  } else if (geteuid() != account.uid) {
    return Error{"must be started as root, or as the user it shall run as"};
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return system_error("no_new_privs", errno);
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return system_error("dumpable", errno);
  return Done{};
}

Result<Fd> lock_state_directory(const std::string& path, std::chrono::milliseconds patience) {
  const std::string name = path + "/lock";
  Fd lock(open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return system_error(name, errno);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return system_error(name, errno);
    if (std::chrono::steady_clock::now() >= deadline) {
      return Error{"another " + std::string(program_invocation_short_name) + " holds " + name +
                   "; each httpd needs its own MailOriginRuntimeDir and MailOriginStateDir"};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return lock;
}

}  // namespace mailorigin::service
