#include "investigating/log_pass.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <utility>

#include "tracing/lines.h"

namespace mailorigin::investigating {

std::vector<LogFile> log_files(const std::vector<std::string>& logs) {
  std::vector<LogFile> out;
  std::set<std::pair<dev_t, ino_t>> known;  // several names may be of one
  for (const std::string& log : logs) {
    for (std::string& file : tracing::with_rotated(log, 0)) {
      struct stat about {};
      if (stat(file.c_str(), &about) != 0 || !known.emplace(about.st_dev, about.st_ino).second) {
        continue;
      }
      out.push_back({std::move(file),
                     static_cast<std::uint64_t>(std::max<time_t>(about.st_mtime, 0)),
                     static_cast<std::uint64_t>(std::max<off_t>(about.st_size, 0))});
    }
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const LogFile& a, const LogFile& b) { return a.changed_s < b.changed_s; });
  return out;
}

void read_logs(const std::vector<LogFile>& files,
               const std::function<void(const LogFile& file, std::string_view lines)>& lines,
               const Progress& progress, std::vector<Unread>& unread) {
  std::uint64_t total = 0, before = 0, unpacked = 0;
  for (const LogFile& file : files) total += file.size;
  for (const LogFile& file : files) {
    if (unpacked >= tracing::unpacked_logs_limit) {
      unread.push_back({file.path, "those before it unpack to more than is read"});
      continue;
    }
    auto source = tracing::open_source(file.path);
    if (!source) {
      unread.push_back({file.path, source.error().message});
      continue;
    }
    tracing::LineBlocks blocks(*std::move(source));
    for (std::string_view block; blocks.next(block);) {
      lines(file, block);
      // A log that is written to may grow beyond what it had.
      if (progress)
        progress(file.path, before + std::min(blocks.source().position(), file.size), total);
    }
    unpacked += blocks.unpacked();
    if (blocks.source().damaged()) {
      unread.push_back({file.path,
                        "is damaged, ends early, or unpacks to more than is read of one file: what "
                        "follows was not read"});
    }
    before += file.size;
  }
}

}  // namespace mailorigin::investigating
