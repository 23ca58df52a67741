// A nonce or a digest as a pair's value: its sixteen bytes as they are.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace mailorigin {

using SixteenBytes = std::array<std::uint8_t, 16>;

// Points into `bytes`.
inline std::string_view view(const SixteenBytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// False, and `bytes` as they were, for a value of another size.
inline bool read_bytes(std::string_view value, SixteenBytes& bytes) {
  if (value.size() != bytes.size()) return false;
  std::copy(value.begin(), value.end(), bytes.begin());
  return true;
}

}  // namespace mailorigin
