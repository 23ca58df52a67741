// Whom a document root belongs to, for MailOriginRunAs owner. Knows no httpd.
#pragma once

#include <cstdint>
#include <string>

#include "core/result.h"

namespace mailorigin::httpd {

// The uid of the directory `path`, if nobody else can have chosen it. Who could lead the
// way to a neighbour's directory would get that neighbour's mail into a log of its own; so
//
// - all directories and symbolic links on the way belong to root or to the same user, and the
//   directories are writable to nobody else (an ACL's mask shows in the group's bits);
// - none is on FUSE, which tells of owners what whoever mounted it likes;
// - the owner is not root (who has no site), not `httpd_uid` (whose processes run anybody's
//   code) and not nobody, who stands for all owners that a container or NFS does not map.
//
// The error names the step and says what is wrong with it.
Result<std::uint32_t> owner_of_docroot(const std::string& path, std::uint32_t httpd_uid);

}  // namespace mailorigin::httpd
