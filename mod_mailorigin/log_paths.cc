#include "mod_mailorigin/log_paths.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "mod_mailorigin/way.h"

namespace mailorigin::httpd {

namespace {

// Mails' subjects and addresses: the group may read them, as it may httpd's logs.
constexpr mode_t file_mode = 0640;

class LogRules : public WayRules {
 public:
  explicit LogRules(const GroupIsTrusted& is_trusted) : is_trusted_(is_trusted) {}

  Status directory(std::string_view path, int, const struct stat& about) override {
    if (about.st_uid != 0) return Error{std::string(path) + ": must belong to root"};
    is_shared_ = (about.st_mode & S_IWOTH) != 0 ||
                 ((about.st_mode & S_IWGRP) != 0 && !is_trusted_(about.st_gid));
    if (is_shared_ && (about.st_mode & S_ISVTX) == 0) {
      return Error{std::string(path) + ": must be writable to root alone (chmod go-w)"};
    }
    last_ = path;
    return Done{};
  }

  Status link(const std::string& path, const struct stat& about) override {
    if (about.st_uid != 0) return Error{path + ": a symbolic link must be root's"};
    return Done{};
  }

  // Of the last directory.
  [[nodiscard]] Status end() const {
    if (!is_shared_) return Done{};
    return Error{last_ + ": others may create files in it; choose another directory"};
  }

 private:
  const GroupIsTrusted& is_trusted_;
  std::string last_;
  bool is_shared_ = false;  // others than root may create files in it
};

}  // namespace

struct LogFiles::End {
  std::shared_ptr<const Fd> directory;
  std::string name;
  std::string path;
  bool in_proc;
};

Result<LogFiles::End> LogFiles::end_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (directory_ && slash != std::string::npos && path.compare(0, slash, directory_name_) == 0) {
    const std::string name = path.substr(slash + 1);
    struct stat about {};
    const bool there = fstatat(directory_->get(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0;
    if (there ? !S_ISLNK(about.st_mode) : errno == ENOENT && !name.empty()) {
      return End{directory_, name, path, false};
    }
  }
  LogRules rules(is_trusted_);
  auto way = walk(path, rules);
  if (!way) return way.error();
  if (const Status ended = rules.end(); !ended) return ended.error();
  End end{way->directory, way->name, way->path, way->is_in_proc()};
  if (end.path == path && !end.in_proc) {
    directory_name_ = path.substr(0, slash);
    directory_ = end.directory;
  }
  return end;
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
