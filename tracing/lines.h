// Log files, line by line: plain, or packed as logrotate does.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

namespace mailorigin::tracing {

// Of a longer line the rest is left out.
inline constexpr std::size_t line_limit = 64 << 10;

// Gives the bytes of a file, unpacked.
class ByteSource {
 public:
  ByteSource() = default;
  virtual ~ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  // How many there are now; 0: the end, or what follows is damaged.
  virtual std::size_t read(char* out, std::size_t size) = 0;
};

// What a file is packed with (gzip, xz, zstd, nothing) is seen by its first bytes.
Result<std::unique_ptr<ByteSource>> open_source(const std::string& path);

class Lines {
 public:
  static Result<std::unique_ptr<Lines>> open(const std::string& path);

  // The next line, without its end; valid until the next call. False at the end.
  bool next(std::string_view& line);

 private:
  explicit Lines(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}
  bool fill();

  std::unique_ptr<ByteSource> source_;
  std::string buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

// A log and what logrotate has made of it (NAME.1, NAME.2.gz, NAME-20261121.xz), the oldest
// first; what was changed for the last time before `since_s` is left out.
std::vector<std::string> with_rotated(const std::string& path, std::uint64_t since_s);

}  // namespace mailorigin::tracing
