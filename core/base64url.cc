#include "core/base64url.h"

#include <array>
#include <cstdint>

namespace mailorigin {

namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t invalid = 255;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  for (auto& value : values) value = invalid;
  for (std::size_t i = 0; i < alphabet.size(); i++) {
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr auto values = make_values();

}  // namespace

std::string base64url_encode(std::string_view bytes) {
  std::string out((bytes.size() * 4 + 2) / 3, '\0');
  char* to = out.data();
  std::uint32_t bits = 0;
  int count = 0;
  for (const char byte : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(byte);
    count += 8;
    while (count >= 6) {
      count -= 6;
      *to++ = alphabet[bits >> count & 63];
    }
  }
  if (count > 0) *to = alphabet[bits << (6 - count) & 63];
  return out;
}

std::optional<std::string> base64url_decode(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out(text.size() * 3 / 4, '\0');
  char* to = out.data();
  const auto value_at = [&](std::size_t at) -> std::uint32_t {
    return values[static_cast<unsigned char>(text[at])];
  };
  std::size_t at = 0;
  for (; at + 4 <= text.size(); at += 4) {
    const std::uint32_t value[] = {value_at(at), value_at(at + 1), value_at(at + 2),
                                   value_at(at + 3)};
    if ((value[0] | value[1] | value[2] | value[3]) == invalid) return std::nullopt;
    const std::uint32_t whole = value[0] << 18 | value[1] << 12 | value[2] << 6 | value[3];
    *to++ = static_cast<char>(whole >> 16);
    *to++ = static_cast<char>(whole >> 8);
    *to++ = static_cast<char>(whole);
  }
  std::uint32_t bits = 0;
  int count = 0;
  for (; at < text.size(); at++) {
    if (value_at(at) == invalid) return std::nullopt;
    bits = bits << 6 | value_at(at);
    count += 6;
    if (count >= 8) {
      count -= 8;
      *to++ = static_cast<char>(bits >> count);
    }
  }
  if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;
  return out;
}

}  // namespace mailorigin
