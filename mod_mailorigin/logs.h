// The targets of MailOriginLog, opened as CustomLog's are: by httpd, as root,
// at configuration time. The daemon is given the descriptors.
#pragma once

#include <vector>

#include "core/policy.h"
#include "core/result.h"
#include "mod_mailorigin/kept.h"
#include "mod_mailorigin/log_paths.h"

namespace mailorigin::httpd {

// Groups that may write to a log's directory, by this policy. It has to outlive the result.
GroupIsTrusted trusted_groups(const Policy& policy);

// Opens every file and piped log of `policy.targets` and keeps them in
// `kept.logs`; what was there becomes `kept.former_logs`. A file that is not a
// regular one (a FIFO, /dev/stdout) becomes a target of kind pipe: there is no
// reading back from it. The error names the target.
Status open_logs(Kept& kept, Policy& policy);

// What the daemon is given, in the order of the file and pipe targets.
std::vector<int> log_descriptors(const KeptLogs& logs);

// Ends the former targets, once the daemon writes to the new ones. httpd ends a
// piped log by SIGTERM, whatever there is still in its pipe: it is given time
// to read that; where it has gone already (a restart that is not graceful), its
// successor gets it.
void close_former_logs(Kept& kept);

// When httpd ends, after the daemon. A piped log that has gone before is run
// once more for what the daemon has written since.
void finish_logs(Kept& kept);

// In a child of httpd, which has no business with them.
void drop_logs_in_child(const KeptLogs& logs);

// How many descriptors httpd itself needs for the targets: a piped log takes two.
std::size_t descriptors_needed(const Policy& policy);

}  // namespace mailorigin::httpd
