// Ulid: 16 bytes that sort by time; the form of event ids and request ids.
//
// 48 bits of milliseconds since 1970, then 80 bits: a random part that each
// generator draws from the kernel once, and a counter. Written as 26 characters
// of Crockford's base 32 (github.com/ulid/spec).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailorigin {

struct Ulid {
  std::array<std::uint8_t, 16> bytes{};

  static constexpr std::size_t text_length = 26;
  [[nodiscard]] std::string text() const;
  // Case is ignored, as Crockford's alphabet asks; anything else is refused.
  static std::optional<Ulid> parse(std::string_view text);

  bool operator==(const Ulid&) const = default;
  auto operator<=>(const Ulid&) const = default;
};

// Safe to call from several threads. A process that forks makes a new one in
// the child: two generators never share their random part, a copied one does.
class UlidGenerator {
 public:
  UlidGenerator();
  Ulid next(std::uint64_t milliseconds_since_epoch);

 private:
  std::array<std::uint8_t, 6> random_{};
  std::atomic<std::uint32_t> counter_;
};

}  // namespace mailorigin
