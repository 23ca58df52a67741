#include "mod_mailorigin/way.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

namespace mailorigin::httpd {

namespace {

constexpr unsigned links_limit = 40;  // as the kernel's own

// Without what leads nowhere.
std::string_view trimmed(std::string_view path) {
  for (;;) {
    if (path.starts_with('/')) {
      path.remove_prefix(1);
    } else if (path == "." || path.starts_with("./")) {
      path.remove_prefix(1);
    } else {
      return path;
    }
  }
}

class Walk {
 public:
  Walk(WayRules& rules, Trail& steps) : rules_(rules), steps_(steps) {}

  Result<WayEnd> to(const std::string& path) {
    if (path.empty() || path[0] != '/') return Error{path + ": must be an absolute path"};
    go_on_with(path);
    if (Status begun = begin(); !begun) return begun.error();
    while (!ahead_.empty()) {
      const std::string name(take_name());
      if (!ahead_.empty()) {
        if (Status entered = enter(name); !entered) return entered.error();
        continue;
      }
      struct stat about {};
      const bool there = fstatat(at(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0;
      WayEnd end{steps_.back().directory, name, path_ + name, {}};
      if (there) end.about = about;
      // A descriptor of this very process, as /dev/stdout is: no way leads there.
      if (!there || !S_ISLNK(about.st_mode) || end.is_in_proc()) return end;
      if (Status followed = follow(name, about); !followed) return followed.error();
    }
    return Error{path + ": is a directory"};
  }

 private:
  void go_on_with(std::string path) {
    path_ahead_ = std::move(path);
    ahead_ = trimmed(path_ahead_);
  }

  std::string_view take_name() {
    const std::string_view name = ahead_.substr(0, ahead_.find('/'));
    ahead_ = trimmed(ahead_.substr(name.size()));
    return name;
  }

  // At the root, and as far from there as the steps are those that come next.
  Status begin() {
    path_ = "/";
    if (steps_.empty()) {
      Fd root(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
      if (!root) return system_error("/", errno);
      if (Status added = add("", std::move(root)); !added) return added;
    }
    if (Status allowed = check(steps_.front()); !allowed) return allowed;
    std::size_t shared = 1;
    for (; shared < steps_.size(); shared++) {
      const std::string_view before = ahead_;
      if (take_name() != steps_[shared].name || ahead_.empty()) {
        ahead_ = before;
        break;
      }
      path_.append(steps_[shared].name).push_back('/');
      if (Status allowed = check(steps_[shared]); !allowed) return allowed;
    }
    steps_.erase(steps_.begin() + static_cast<std::ptrdiff_t>(shared), steps_.end());
    return Done{};
  }

  Status enter(const std::string& name) {
    Fd next(openat(at(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next) {
      const int fault = errno;
      struct stat about {};
      if (fstatat(at(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(about.st_mode)) {
        return follow(name, about);
      }
      return system_error(path_ + name, fault);
    }
    path_.append(name).push_back('/');
    if (Status added = add(name, std::move(next)); !added) return added;
    return check(steps_.back());
  }

  Status follow(const std::string& name, const struct stat& about) {
    const std::string path = path_ + name;
    if (Status allowed = rules_.link(path, about); !allowed) return allowed;
    if (++links_ > links_limit) return system_error(path, ELOOP);
    char text[PATH_MAX];
    const ssize_t size = readlinkat(at(), name.c_str(), text, sizeof text);
    if (size < 0) return system_error(path, errno);
    const std::string target(text, static_cast<std::size_t>(size));
    go_on_with(target + '/' + std::string(ahead_));
    return target.starts_with('/') ? begin() : Status(Done{});
  }

  Status add(const std::string& name, Fd directory) {
    struct stat about {};
    if (fstat(directory.get(), &about) != 0) return system_error(std::string(shown()), errno);
    steps_.push_back({name, std::make_shared<const Fd>(std::move(directory)), about});
    return Done{};
  }

  Status check(const Step& step) {
    return rules_.directory(shown(), step.directory->get(), step.about);
  }

  [[nodiscard]] int at() const { return steps_.back().directory->get(); }

  [[nodiscard]] std::string_view shown() const {
    return std::string_view(path_).substr(0, std::max<std::size_t>(path_.size() - 1, 1));
  }

  WayRules& rules_;
  Trail& steps_;      // to the directory where it is
  std::string path_;  // of that directory, with a slash at its end
  std::string path_ahead_;
  std::string_view ahead_;  // of that, what has not been walked
  unsigned links_ = 0;
};

}  // namespace

bool WayEnd::is_in_proc() const {
  struct statfs system {};
  return fstatfs(directory->get(), &system) == 0 && system.f_type == PROC_SUPER_MAGIC;
}

Result<WayEnd> walk(const std::string& path, WayRules& rules, Trail* trail) {
  Trail own;
  return Walk(rules, trail != nullptr ? *trail : own).to(path);
}

}  // namespace mailorigin::httpd
