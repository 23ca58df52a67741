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

#include "core/result.h"

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

// What the kernel calls this boot; from the environment's MAILORIGIN_BOOT_ID where /proc does not
// say it.
Result<std::string> boot_id();

// A key's file: the key's bytes, then the id of the boot that it was made in.
std::string encode_key_file(const SealKey& key, std::string_view boot);
// Nothing if it is another boot's, or no key's file at all.
std::optional<SealKey> decode_key_file(std::string_view bytes, std::string_view boot);

// The key in the file `path`, nothing if there is no such file, or one of another
// boot. Fails if it is anything but a file of root's that nobody else can read.
Result<std::optional<SealKey>> load_key(const std::string& path, std::string_view boot);

}  // namespace mailorigin
