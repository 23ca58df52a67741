// The bytes of a file that is plain, or packed as logrotate does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "core/result.h"

namespace mailorigin::tracing {

// Gives the bytes of a file, unpacked.
class ByteSource {
 public:
  ByteSource() = default;
  virtual ~ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  // How many there are now; 0: the end, or what follows is damaged.
  virtual std::size_t read(char* out, std::size_t size) = 0;
  // Bytes of the file itself that have been read: how far it is.
  [[nodiscard]] virtual std::uint64_t position() const = 0;
  // Once read() has given 0: the end is not where it should be, or there is more than is read.
  [[nodiscard]] virtual bool damaged() const = 0;
};

// Of what a file unpacks to, or has in its holes, is read what it takes on the disk a hundred
// times, and a GiB: no log is packed better, and a tenant may have put there what never ends.
inline constexpr std::uint64_t unpacked_base = 1ULL << 30;
inline constexpr std::uint64_t unpacked_ratio = 100;

// What a file is packed with (gzip, xz, zstd, nothing) is seen by its first bytes.
Result<std::unique_ptr<ByteSource>> open_source(const std::string& path);

}  // namespace mailorigin::tracing
