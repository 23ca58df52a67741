// The keys that seal contexts.
//
// httpd's root parent makes one per boot; httpd, the daemon and the kernel map
// hold it, and nothing else does.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailorigin {

struct SealKey {
  std::uint32_t id = 0;  // random; names the key in a tag
  std::array<unsigned char, 16> secret{};

  static constexpr std::size_t size = 20;

  // Drawn from the kernel's random source.
  static SealKey generate();
  [[nodiscard]] std::string bytes() const;  // 20 bytes, id little-endian first
  static std::optional<SealKey> from_bytes(std::string_view bytes);
};

// A new context keeps verifying for a day after its key was replaced.
struct KeyRing {
  SealKey current;
  std::optional<SealKey> previous;
};

}  // namespace mailorigin
