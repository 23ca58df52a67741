#include "core/ulid.h"

#include "core/random.h"

namespace mailorigin {

namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

std::optional<std::uint8_t> value_of(char character) {
  if (character >= 'a' && character <= 'z') character = static_cast<char>(character - 'a' + 'A');
  const auto at = alphabet.find(character);
  if (at == std::string_view::npos) return std::nullopt;
  return static_cast<std::uint8_t>(at);
}

}  // namespace

std::string Ulid::text() const {
  // 128 bits in 26 characters of 5: the first carries the top 3 bits alone.
  std::string out(text_length, '\0');
  std::uint32_t bits = 0;
  int count = 2;  // two zero bits ahead
  std::size_t at = 0;
  for (const std::uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    count += 8;
    while (count >= 5) {
      count -= 5;
      out[at++] = alphabet[bits >> count & 31];
    }
  }
  return out;
}

std::optional<Ulid> Ulid::parse(std::string_view text) {
  if (text.size() != text_length) return std::nullopt;
  Ulid ulid;
  std::uint32_t bits = 0;
  int count = -2;
  std::size_t at = 0;
  for (const char character : text) {
    const auto value = value_of(character);
    if (!value) return std::nullopt;
    if (count < 0 && *value > 7) return std::nullopt;  // more than 128 bits
    bits = bits << 5 | *value;
    count += 5;
    if (count >= 8) {
      count -= 8;
      ulid.bytes[at++] = static_cast<std::uint8_t>(bits >> count);
    }
  }
  return ulid;
}

UlidGenerator::UlidGenerator() {
  std::uint32_t start = 0;
  random_bytes(random_.data(), random_.size());
  random_bytes(&start, sizeof start);
  counter_ = start;
}

Ulid UlidGenerator::next(std::uint64_t milliseconds_since_epoch) {
  const std::uint32_t count = counter_.fetch_add(1, std::memory_order_relaxed);
  Ulid ulid;
  for (int i = 0; i < 6; i++) {
    ulid.bytes[i] = static_cast<std::uint8_t>(milliseconds_since_epoch >> (40 - 8 * i));
    ulid.bytes[6 + i] = random_[i];
  }
  for (int i = 0; i < 4; i++) ulid.bytes[12 + i] = static_cast<std::uint8_t>(count >> (24 - 8 * i));
  return ulid;
}

}  // namespace mailorigin
