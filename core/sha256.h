// SHA-256 (FIPS 180-4): for names that nobody, whoever chooses the bytes, can make equal.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mailorigin {

class Sha256 {
 public:
  static constexpr std::size_t size = 32;  // bytes
  using Digest = std::array<std::uint8_t, size>;

  // Any bytes, in any number of pieces.
  void add(std::string_view bytes);
  // Of all that was added; nothing may be added afterwards.
  Digest finish();

 private:
  void add_block(const std::uint8_t* block);

  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, 64> block_{};
  std::size_t filled_ = 0;  // bytes of block_
  std::uint64_t length_ = 0;
};

}  // namespace mailorigin
