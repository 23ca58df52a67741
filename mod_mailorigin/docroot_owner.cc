#include "mod_mailorigin/docroot_owner.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <string_view>

#include "core/fd.h"

namespace mailorigin::httpd {

namespace {

using Stat = struct stat;
constexpr uid_t unmapped_owner = 65534;  // the kernel's overflowuid, and NFS's

bool others_may_write(const struct stat& about) {
  return (about.st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

class OwnerRules : public WayRules {
 public:
  explicit OwnerRules(std::map<dev_t, bool>& is_fuse) : is_fuse_(is_fuse) {}

  Status directory(std::string_view path, int fd, const struct stat& about) override {
    if (others_may_write(about)) {
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
  const auto fit = [&](const std::string& shown, uid_t uid) -> Result<std::uint32_t> {
    if (uid == 0) return Error{shown + ": belongs to root"};
    if (uid == httpd_uid_) return Error{shown + ": belongs to httpd's own User"};
    if (uid != unmapped_owner) return static_cast<std::uint32_t>(uid);
    return Error{shown + ": belongs to uid 65534, as all do whose owner is not known here"};
  };
  if (const auto owner = of_a_plain_one(path)) return fit(path, *owner);
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
  return fit(way->path, about.st_uid);
}

bool DocrootOwners::is_known_not_to_be_fuse(const struct stat& about) const {
  const auto known = is_fuse_.find(about.st_dev);
  return known != is_fuse_.end() && !known->second;
}

// As most are: where the way before went through directories in which only root changes a name, and
// then through directories of one user alone. Nothing is opened: whatever that user does to the
// names in its own meanwhile, it is either found to own what is there, or this is no plain one.
// Anything else is walked, which also says what is wrong with it.
std::optional<uid_t> DocrootOwners::of_a_plain_one(const std::string& path) const {
  if (trail_.empty() || !path.starts_with('/')) return std::nullopt;
  std::string_view ahead = std::string_view(path).substr(1);
  const Step* from = nullptr;
  for (const Step& step : trail_) {
    if (from != nullptr) {
      if (!ahead.starts_with(step.name + '/')) break;
      ahead.remove_prefix(step.name.size() + 1);
    }
    const bool roots_alone = step.about.st_uid == 0 && !others_may_write(step.about);
    if (!roots_alone || !is_known_not_to_be_fuse(step.about)) return std::nullopt;
    from = &step;
  }
  std::optional<uid_t> owner;
  for (std::size_t begin = 0; begin <= ahead.size();) {
    const std::size_t end = std::min(ahead.find('/', begin), ahead.size());
    const std::string_view name = ahead.substr(begin, end - begin);
    if (name.empty() || name == "." || name == "..") return std::nullopt;
    struct stat about {};
    if (fstatat(from->directory->get(), std::string(ahead.substr(0, end)).c_str(), &about,
                AT_SYMLINK_NOFOLLOW) != 0) {
      return std::nullopt;
    }
    const bool is_last = end == ahead.size();
    if (!S_ISDIR(about.st_mode) || may_be_mounted_on(about) || !is_known_not_to_be_fuse(about) ||
        about.st_uid != owner.value_or(about.st_uid) || (!is_last && others_may_write(about))) {
      return std::nullopt;
    }
    owner = about.st_uid;
    begin = end + 1;
  }
  return owner;
}

}  // namespace mailorigin::httpd
