// Whom a document root belongs to, for MailOriginRunAs owner. Knows no httpd.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/result.h"
#include "mod_mailorigin/way.h"

namespace mailorigin::httpd {

// of(): the uid of the directory `path`, if nobody else can have chosen it. Who could lead the
// way to a neighbour's directory would get that neighbour's mail into a log of its own; so
//
// - all directories and symbolic links on the way belong to root or to the same user, and the
//   directories are writable to nobody else (an ACL's mask shows in the group's bits);
// - none is on FUSE, which tells of owners what whoever mounted it likes;
// - the owner is not root (who has no site), not `httpd_uid` (whose processes run anybody's
//   code) and not nobody, who stands for all owners that a container or NFS does not map.
//
// The error names the step and says what is wrong with it. For the document roots of one reading
// of the configuration: what several share is looked at once.
class DocrootOwners {
 public:
  explicit DocrootOwners(std::uint32_t httpd_uid) : httpd_uid_(httpd_uid) {}
  Result<std::uint32_t> of(const std::string& path);

 private:
  [[nodiscard]] std::optional<uid_t> of_a_plain_one(const std::string& path) const;
  [[nodiscard]] bool is_known_not_to_be_fuse(const struct stat& about) const;

  const std::uint32_t httpd_uid_;
  Trail trail_;
  std::map<dev_t, bool> is_fuse_;  // by file system
};

}  // namespace mailorigin::httpd
