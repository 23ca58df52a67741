#include "core/key.h"

#include <algorithm>

#include "core/bytes.h"
#include "core/random.h"

namespace mailorigin {

SealKey SealKey::generate() {
  SealKey key;
  random_bytes(&key.id, sizeof key.id);
  random_bytes(key.secret.data(), key.secret.size());
  return key;
}

std::string SealKey::bytes() const {
  std::string out;
  append_little_endian(out, id);
  out.append(secret.begin(), secret.end());
  return out;
}

std::optional<SealKey> SealKey::from_bytes(std::string_view bytes) {
  if (bytes.size() != size) return std::nullopt;
  SealKey key;
  key.id = little_endian<std::uint32_t>(bytes);
  std::copy(bytes.begin() + sizeof key.id, bytes.end(), key.secret.begin());
  return key;
}

}  // namespace mailorigin
