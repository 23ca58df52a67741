// Log files, line by line: plain, or packed as logrotate does.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "tracing/unpacking.h"

namespace mailorigin::tracing {

// Of all logs that are read for one question, in bytes: what is behind it is left out.
inline constexpr std::uint64_t unpacked_logs_limit = 64ULL << 30;

// Of a longer line the rest is left out.
inline constexpr std::size_t line_limit = 64 << 10;

// The lines of a file, as many at once as have been read.
class LineBlocks {
 public:
  explicit LineBlocks(std::unique_ptr<ByteSource> source);

  // Whole lines, each with its newline, but for the file's last one if that has none; valid
  // until the next call. A line that is longer than line_limit may be cut there. False at the
  // end.
  bool next(std::string_view& lines);
  [[nodiscard]] const ByteSource& source() const { return *source_; }
  // Bytes that were read for this, given or not.
  [[nodiscard]] std::uint64_t unpacked() const { return unpacked_; }

 private:
  std::unique_ptr<ByteSource> source_;
  std::string buffer_;
  std::size_t begin_ = 0;  // of what was read and not given yet
  std::size_t end_ = 0;
  bool passing_over_ = false;  // the rest of a line
  std::uint64_t unpacked_ = 0;
};

class Lines {
 public:
  static Result<std::unique_ptr<Lines>> open(const std::string& path);

  // The next line, without its end; valid until the next call. False at the end.
  bool next(std::string_view& line);
  [[nodiscard]] std::uint64_t unpacked() const { return blocks_.unpacked(); }

 private:
  explicit Lines(std::unique_ptr<ByteSource> source) : blocks_(std::move(source)) {}

  LineBlocks blocks_;
  std::string_view left_;  // of the last block
};

// A log and what logrotate has made of it (NAME.1, NAME.2.gz, NAME-20261121.xz), the oldest
// first; what was changed for the last time before `since_s` is left out.
std::vector<std::string> with_rotated(const std::string& path, std::uint64_t since_s);

}  // namespace mailorigin::tracing
