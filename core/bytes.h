// Little-endian integers in byte strings.
#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

namespace mailorigin {

template <std::unsigned_integral T>
void append_little_endian(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); i++) out += static_cast<char>(value >> (8 * i));
}

// Precondition: `bytes` holds sizeof(T) bytes from `offset` on.
template <std::unsigned_integral T>
T little_endian(std::string_view bytes, std::size_t offset = 0) {
  T value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;) {
    value = static_cast<T>(value << 8 | static_cast<unsigned char>(bytes[offset + i]));
  }
  return value;
}

}  // namespace mailorigin
