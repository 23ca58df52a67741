// Log files, read once each from the oldest to the newest.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mailorigin::investigating {

// Of a log that was not read, or not to its end.
struct Unread {
  std::string log;
  std::string why;
};

// Told now and then how far it is: which file, and how many of all files' bytes.
using Progress =
    std::function<void(const std::string& file, std::uint64_t done, std::uint64_t total)>;

struct LogFile {
  std::string path;
  std::uint64_t changed_s = 0;  // since the epoch
  std::uint64_t size = 0;
};
// The logs of these names and what is rotated of them, each once, the oldest first.
std::vector<LogFile> log_files(const std::vector<std::string>& logs);

// lines(file, whole lines): see tracing::LineBlocks. Of what is unpacked from one file as
// much as tracing::open_source() gives, from all at most tracing::unpacked_logs_limit bytes. What
// could not be read is added to `unread`.
void read_logs(const std::vector<LogFile>& files,
               const std::function<void(const LogFile& file, std::string_view lines)>& lines,
               const Progress& progress, std::vector<Unread>& unread);

}  // namespace mailorigin::investigating
