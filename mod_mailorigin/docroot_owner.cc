#include "mod_mailorigin/docroot_owner.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>
#include <optional>
#include <string_view>

#include "core/fd.h"

namespace mailorigin::httpd {

namespace {

using Stat = struct stat;
constexpr uid_t unmapped_owner = 65534;  // the kernel's overflowuid, and NFS's

class OwnerRules : public WayRules {
 public:
  explicit OwnerRules(std::map<dev_t, bool>& is_fuse) : is_fuse_(is_fuse) {}

  Status directory(std::string_view path, int fd, const struct stat& about) override {
    if ((about.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
      return Error{std::string(path) +
                   ": others than its owner may write there, and put another directory in the "
                   "document root's place (chmod go-w)"};
    }
    return belongs(path, fd, about);
  }

  Status link(const std::string& path, const struct stat& about) override {
    return note(path, about.st_uid);
  }

  // Of a directory that may be writable to others: what is in it does not change whose it is.
  Status belongs(std::string_view path, int fd, const struct stat& about) {
    const auto [known, is_new] = is_fuse_.try_emplace(about.st_dev, true);
    if (is_new) {
      struct statfs system {};
      if (fstatfs(fd, &system) != 0) return system_error(std::string(path), errno);
      known->second = system.f_type == FUSE_SUPER_MAGIC;
    }
    if (known->second) {
      return Error{std::string(path) +
                   ": is on FUSE, which users may mount and whose owners they choose"};
    }
    return note(path, about.st_uid);
  }

 private:
  Status note(std::string_view path, uid_t uid) {
    if (uid == 0) return Done{};
    if (!other_) {
      other_ = uid;
      first_ = path;
    }
    if (*other_ == uid) return Done{};
    return Error{std::string(path) + ": belongs to uid " + std::to_string(uid) + ", and " + first_ +
                 " on the way there to uid " + std::to_string(*other_)};
  }

  std::map<dev_t, bool>& is_fuse_;
  std::optional<uid_t> other_;  // than root
  std::string first_;           // that belongs to that user
};

// autofs mounts when a directory of its own, which is root's, is opened.
bool may_be_mounted_on(const struct stat& about) { return about.st_uid == 0; }

}  // namespace

Result<std::uint32_t> DocrootOwners::of(const std::string& path) {
  if (path.empty()) return Error{"there is no DocumentRoot"};
  OwnerRules rules(is_fuse_);
  const auto way = walk(path, rules, &trail_);
  if (!way) return way.error();
  struct stat about = way->about.value_or(Stat{});
  Fd docroot;  // not needed where the file system is known
  if (!S_ISDIR(about.st_mode) || may_be_mounted_on(about) || !is_fuse_.contains(about.st_dev)) {
    docroot.reset(openat(way->directory->get(), way->name.c_str(),
                         O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!docroot || fstat(docroot.get(), &about) != 0) return system_error(way->path, errno);
  }
  if (const Status fits = rules.belongs(way->path, docroot.get(), about); !fits) {
    return fits.error();
  }
  if (about.st_uid == 0) return Error{way->path + ": belongs to root"};
  if (about.st_uid == httpd_uid_) return Error{way->path + ": belongs to httpd's own User"};
  if (about.st_uid == unmapped_owner) {
    return Error{way->path + ": belongs to uid 65534, as all do whose owner is not known here"};
  }
  return static_cast<std::uint32_t>(about.st_uid);
}

}  // namespace mailorigin::httpd
