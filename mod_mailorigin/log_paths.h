// Where root may open a file to write to. Knows no httpd.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "core/fd.h"
#include "core/result.h"

namespace mailorigin::httpd {

// Whether a group's members can be trusted with the directory of a log: one of the
// system's (adm, syslog), without a tenant in it.
using GroupIsTrusted = std::function<bool(gid_t)>;

// Every directory on a log's way, and each symbolic link, must be root's, and writable to
// nobody else but trusted groups: root would follow the link of somebody else, at each
// restart anew. A sticky directory (/tmp) may stand on the way, where others cannot replace
// what is root's; not at its end, where they could be first. Nothing is looked up twice
// between the check and the opening.
class LogFiles {
 public:
  explicit LogFiles(GroupIsTrusted is_trusted) : is_trusted_(std::move(is_trusted)) {}

  // Opens `path` to read and append, and creates it.
  Result<Fd> open(const std::string& path);

  // For httpd -t: what open() would say, without creating anything.
  Status check(const std::string& path);

 private:
  struct End;
  Result<End> end_of(const std::string& path);

  GroupIsTrusted is_trusted_;
  // Of the last path, whose neighbours most likely follow: a thousand hosts' logs are in
  // one directory.
  std::string directory_name_;
  std::shared_ptr<const Fd> directory_;
};

}  // namespace mailorigin::httpd
