#include "mod_mailorigin/way.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <utility>

namespace mailorigin::httpd {

namespace {

constexpr unsigned links_limit = 40;  // as the kernel's own

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

class Walk {
 public:
  Walk(WayRules& rules, Trail& steps) : rules_(rules), steps_(steps) {}

  Result<WayEnd> to(const std::string& path) {
    if (path.empty() || path[0] != '/') return Error{path + ": must be an absolute path"};
    parts_ = parts_of(path);
    if (Status begun = begin(); !begun) return begun.error();
    while (!parts_.empty()) {
      const std::string name = std::move(parts_.front());
      parts_.pop_front();
      struct stat about {};
      const bool there = fstatat(at(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0;
      if (there && S_ISLNK(about.st_mode)) {
        // A descriptor of this very process, as /dev/stdout is: no way leads there.
        if (parts_.empty() && is_in_proc()) return end(name);
        if (Status followed = follow(name, about); !followed) return followed.error();
        continue;
      }
      if (parts_.empty()) return end(name);
      if (!there) return system_error(path_ + name, errno);
      if (Status entered = enter(name); !entered) return entered.error();
    }
    return Error{path + ": is a directory"};
  }

 private:
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
    for (; shared < steps_.size() && parts_.size() > 1; shared++) {
      if (steps_[shared].name != parts_.front()) break;
      path_ += steps_[shared].name + '/';
      parts_.pop_front();
      if (Status allowed = check(steps_[shared]); !allowed) return allowed;
    }
    steps_.erase(steps_.begin() + static_cast<std::ptrdiff_t>(shared), steps_.end());
    return Done{};
  }

  Status enter(const std::string& name) {
    Fd next(openat(at(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next) return system_error(path_ + name, errno);
    path_ += name + '/';
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
    auto ahead = parts_of(target);
    parts_.insert(parts_.begin(), ahead.begin(), ahead.end());
    return target.starts_with('/') ? begin() : Status(Done{});
  }

  Status add(const std::string& name, Fd directory) {
    struct stat about {};
    if (fstat(directory.get(), &about) != 0) return system_error(shown(), errno);
    steps_.push_back({name, std::make_shared<const Fd>(std::move(directory)), about});
    return Done{};
  }

  Status check(const Step& step) {
    return rules_.directory(shown(), step.directory->get(), step.about);
  }

  Result<WayEnd> end(const std::string& name) {
    return WayEnd{steps_.back().directory, name, path_ + name, is_in_proc()};
  }

  [[nodiscard]] int at() const { return steps_.back().directory->get(); }

  [[nodiscard]] std::string shown() const {
    return path_.substr(0, std::max<std::size_t>(path_.size() - 1, 1));
  }

  [[nodiscard]] bool is_in_proc() const {
    struct statfs about {};
    return fstatfs(at(), &about) == 0 && about.f_type == PROC_SUPER_MAGIC;
  }

  WayRules& rules_;
  Trail& steps_;      // to the directory where it is
  std::string path_;  // of that directory, with a slash at its end
  std::deque<std::string> parts_;
  unsigned links_ = 0;
};

}  // namespace

Result<WayEnd> walk(const std::string& path, WayRules& rules, Trail* trail) {
  Trail own;
  return Walk(rules, trail != nullptr ? *trail : own).to(path);
}

}  // namespace mailorigin::httpd
