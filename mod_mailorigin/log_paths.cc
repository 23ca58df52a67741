#include "mod_mailorigin/log_paths.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>

namespace mailorigin::httpd {

namespace {

constexpr unsigned links_limit = 40;  // as the kernel's own
// Mails' subjects and addresses: the group may read them, as it may httpd's logs.
constexpr mode_t file_mode = 0640;

// Where a way ends: in that directory, by that name.
struct WayEnd {
  std::shared_ptr<const Fd> directory;
  std::string name;
  std::string path;  // of both
  bool in_proc;      // then the name is a descriptor's
};

std::deque<std::string> parts_of(const std::string& path) {
  std::deque<std::string> parts;
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    if (end > begin && path.compare(begin, end - begin, ".") != 0) {
      parts.push_back(path.substr(begin, end - begin));
    }
    begin = end + 1;
  }
  return parts;
}

// Walks from the root, one name at a time, and follows links itself.
class Walk {
 public:
  explicit Walk(const GroupIsTrusted& is_trusted) : is_trusted_(is_trusted) {}

  // The end of `path`, once all links have been followed.
  Result<WayEnd> to(const std::string& path) {
    if (path.empty() || path[0] != '/') return Error{path + ": must be an absolute path"};
    parts_ = parts_of(path);
    if (Status begun = begin(); !begun) return begun.error();
    while (!parts_.empty()) {
      const std::string name = std::move(parts_.front());
      parts_.pop_front();
      struct stat about {};
      const bool there = fstatat(at_.get(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0;
      if (there && S_ISLNK(about.st_mode)) {
        // A descriptor of this very process, as /dev/stdout is: no way leads there.
        if (parts_.empty() && is_in_proc()) return last(name);
        if (Status followed = follow(name, about); !followed) return followed.error();
        continue;
      }
      if (parts_.empty()) return last(name);
      if (!there) return system_error(path_ + name, errno);
      if (Status entered = enter(name); !entered) return entered.error();
    }
    return Error{path + ": is a directory"};
  }

 private:
  Status begin() {
    at_ = Fd(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!at_) return system_error("/", errno);
    path_ = "/";
    return check();
  }

  Status enter(const std::string& name) {
    Fd next(openat(at_.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next) return system_error(path_ + name, errno);
    at_ = std::move(next);
    path_ += name + '/';
    return check();
  }

  Status follow(const std::string& name, const struct stat& about) {
    const std::string path = path_ + name;
    if (about.st_uid != 0) return Error{path + ": a symbolic link must be root's"};
    if (++links_ > links_limit) return system_error(path, ELOOP);
    char text[PATH_MAX];
    const ssize_t size = readlinkat(at_.get(), name.c_str(), text, sizeof text);
    if (size < 0) return system_error(path, errno);
    const std::string target(text, static_cast<std::size_t>(size));
    auto ahead = parts_of(target);
    parts_.insert(parts_.begin(), ahead.begin(), ahead.end());
    return target.starts_with('/') ? begin() : Status(Done{});
  }

  Status check() {
    struct stat about {};
    if (fstat(at_.get(), &about) != 0) return system_error(shown(), errno);
    if (about.st_uid != 0) return Error{shown() + ": must belong to root"};
    is_shared_ = (about.st_mode & S_IWOTH) != 0 ||
                 ((about.st_mode & S_IWGRP) != 0 && !is_trusted_(about.st_gid));
    if (is_shared_ && (about.st_mode & S_ISVTX) == 0) {
      return Error{shown() + ": must be writable to root alone (chmod go-w)"};
    }
    return Done{};
  }

  Result<WayEnd> last(const std::string& name) {
    if (is_shared_) {
      return Error{shown() + ": others may create files in it; choose another directory"};
    }
    const bool in_proc = is_in_proc();
    return WayEnd{std::make_shared<const Fd>(std::move(at_)), name, path_ + name, in_proc};
  }

  // The directory's path as people write it.
  [[nodiscard]] std::string shown() const {
    return path_.substr(0, std::max<std::size_t>(path_.size() - 1, 1));
  }

  [[nodiscard]] bool is_in_proc() const {
    struct statfs about {};
    return fstatfs(at_.get(), &about) == 0 && about.f_type == PROC_SUPER_MAGIC;
  }

  const GroupIsTrusted& is_trusted_;
  Fd at_;
  std::string path_;  // of that directory, with a slash at its end
  std::deque<std::string> parts_;
  unsigned links_ = 0;
  bool is_shared_ = false;  // others than root may create files in the directory
};

}  // namespace

struct LogFiles::End : WayEnd {};

Result<LogFiles::End> LogFiles::end_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (directory_ && slash != std::string::npos && path.compare(0, slash, directory_name_) == 0) {
    const std::string name = path.substr(slash + 1);
    struct stat about {};
    const bool there = fstatat(directory_->get(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0;
    if (there ? !S_ISLNK(about.st_mode) : errno == ENOENT && !name.empty()) {
      return End{{directory_, name, path, false}};
    }
  }
  auto end = Walk(is_trusted_).to(path);
  if (!end) return end.error();
  if (end->path == path && !end->in_proc) {
    directory_name_ = path.substr(0, slash);
    directory_ = end->directory;
  }
  return End{*std::move(end)};
}

Result<Fd> LogFiles::open(const std::string& path) {
  const auto end = end_of(path);
  if (!end) return end.error();
  const int flags = O_RDWR | O_APPEND | O_CREAT | O_NOCTTY | O_CLOEXEC;
  Fd file(openat(end->directory->get(), end->name.c_str(),
                 end->in_proc ? flags : flags | O_NOFOLLOW, file_mode));
  if (!file) return system_error(end->path, errno);
  return file;
}

Status LogFiles::check(const std::string& path) {
  const auto end = end_of(path);
  if (!end) return end.error();
  const int directory = end->directory->get();
  struct stat about {};
  if (fstatat(directory, end->name.c_str(), &about, 0) != 0) {
    if (errno != ENOENT) return system_error(end->path, errno);
    // A file system may be read-only to root as well.
    if (faccessat(directory, ".", W_OK, 0) == 0) return Done{};
  } else if (S_ISDIR(about.st_mode)) {
    errno = EISDIR;
  } else if (faccessat(directory, end->name.c_str(), W_OK, 0) == 0) {
    return Done{};
  }
  return system_error(end->path, errno);
}

}  // namespace mailorigin::httpd
