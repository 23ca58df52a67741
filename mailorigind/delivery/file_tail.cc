#include "mailorigind/delivery/file_tail.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "mailorigind/limits.h"

namespace mailorigin::daemon {

FileTail::FileTail(int descriptor, std::uint64_t from) : begin_(from) {
  struct stat about {};
  if (fstat(descriptor, &about) != 0 || about.st_size < 0) return;
  const auto size = static_cast<std::uint64_t>(about.st_size);
  // More than one batch of lines was not written by a daemon that was killed.
  if (size <= from || size - from > file_tail_limit) return;
  bytes_.resize(size - from);
  const ssize_t length = pread(descriptor, bytes_.data(), bytes_.size(), static_cast<off_t>(from));
  bytes_.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
}

std::uint64_t FileTail::compare(PendingLines& pending) {
  std::uint64_t reached = 0;
  while (!empty() && !pending.empty()) {
    const std::string_view lines = pending.first_unit();
    const std::size_t found = find(lines);
    if (found == std::string::npos) {
      pending.advance(half_at_end(lines));
      bytes_.clear();
      break;
    }
    done_ = found + lines.size();
    reached = pending.advance(lines.size());
  }
  return reached;
}

// Where they begin, which is the beginning of a line.
std::size_t FileTail::find(std::string_view lines) const {
  std::size_t found = bytes_.find(lines, done_);
  while (found != std::string::npos && found > 0 && bytes_[found - 1] != '\n') {
    found = bytes_.find(lines, found + 1);
  }
  return found;
}

// How much of them the tail ends with, from the beginning of a line.
std::size_t FileTail::half_at_end(std::string_view lines) const {
  for (std::size_t line = done_; line < bytes_.size();
       line = std::min(bytes_.find('\n', line), bytes_.size() - 1) + 1) {
    const std::string_view half = std::string_view(bytes_).substr(line);
    if (lines.starts_with(half)) return half.size();
  }
  return 0;
}

}  // namespace mailorigin::daemon
