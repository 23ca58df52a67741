// Where root may open a file to write to. Knows no httpd.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "core/fd.h"
#include "core/result.h"

namespace mailorigin::httpd {

// Whether a group's members can be trusted with the directory of a log: one of the
// system's (adm, syslog), without a tenant in it.
using GroupIsTrusted = std::function<bool(gid_t)>;

// Opens `path` as a log, to read and append, and creates it. Every directory on the way,
// and each symbolic link, must be root's, and writable to nobody else but trusted groups: root
// would follow the link of somebody else, at each restart anew. A sticky directory (/tmp)
// may stand on the way, where others cannot replace what is root's; not at its end, where they
// could be first. Nothing is looked up twice between the check and the opening.
Result<Fd> open_log_file(const std::string& path, const GroupIsTrusted& is_trusted);

// For httpd -t: what open_log_file() would say, without creating anything.
Status check_log_file(const std::string& path, const GroupIsTrusted& is_trusted);

}  // namespace mailorigin::httpd
