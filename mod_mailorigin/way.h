// The way to a file, which others than root may stand on. Knows no httpd.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/fd.h"
#include "core/result.h"

namespace mailorigin::httpd {

// What is asked about each step; an error ends the walk and is its result. Paths are as
// people write them, without a slash at their end.
class WayRules {
 public:
  virtual ~WayRules() = default;
  // A directory, `/` included; `fd` is O_PATH.
  virtual Status directory(std::string_view path, int fd, const struct stat& about) = 0;
  // A symbolic link, before it is followed.
  virtual Status link(const std::string& path, const struct stat& about) = 0;
};

// Where a way ends: in that directory, by that name, which may not be there; if it is, it is
// no symbolic link, unless the directory is one of /proc (/dev/stdout leads there).
struct WayEnd {
  std::shared_ptr<const Fd> directory;  // O_PATH
  std::string name;
  std::string path;                  // of both
  std::optional<struct stat> about;  // nothing: it is not there

  [[nodiscard]] bool is_in_proc() const;
};

// Walks from the root, one name at a time, and follows links itself: what `rules` has seen is
// what is walked through, whoever changes a name meanwhile. `path` must be absolute. Fails as
// the rules and the system calls do; the error names the step.
//
// With a `trail`, it begins with the directories that `path` shares with the way before: of ten
// thousand document roots most steps are the same. They are as they were then, and the rules are
// asked about them again. It keeps one way's descriptors open; it is for one run, not for long.
struct Step {
  std::string name;  // empty: the root
  std::shared_ptr<const Fd> directory;
  struct stat about;
};
using Trail = std::vector<Step>;
Result<WayEnd> walk(const std::string& path, WayRules& rules, Trail* trail = nullptr);

}  // namespace mailorigin::httpd
