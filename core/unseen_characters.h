// Characters beyond ASCII that no reader sees, but that turn, join or end what he sees,
// or make two names of what looks like one: Unicode's general categories Cc, Cf, Zl and
// Zp, and its Default_Ignorable_Code_Point (fillers, joiners, variation selectors).
//
// From UnicodeData.txt of Unicode 14.0, as Python's unicodedata has it: the runs of
//   [c for c in range(0x80, 0x110000)
//    if unicodedata.category(chr(c)) in ("Cc", "Cf", "Zl", "Zp")]
// from Unicode 15.0, U+13439 to U+1343F, which are Cf there; and those that
// DerivedCoreProperties.txt of Unicode 15.0 has as Default_Ignorable_Code_Point.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace mailorigin {

struct CharacterRange {
  std::uint32_t first;
  std::uint32_t last;
};

// In ascending order.
inline constexpr CharacterRange unseen_characters[] = {
    {0x0080, 0x009F},   {0x00AD, 0x00AD},   {0x034F, 0x034F},   {0x0600, 0x0605},
    {0x061C, 0x061C},   {0x06DD, 0x06DD},   {0x070F, 0x070F},   {0x0890, 0x0891},
    {0x08E2, 0x08E2},   {0x115F, 0x1160},   {0x17B4, 0x17B5},   {0x180B, 0x180F},
    {0x200B, 0x200F},   {0x2028, 0x202E},   {0x2060, 0x206F},   {0x3164, 0x3164},
    {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},   {0xFFF0, 0xFFFB},
    {0x110BD, 0x110BD}, {0x110CD, 0x110CD}, {0x13430, 0x1343F}, {0x1BCA0, 0x1BCA3},
    {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
};

constexpr bool is_unseen(std::uint32_t character) {
  const auto* const range =
      std::lower_bound(std::begin(unseen_characters), std::end(unseen_characters), character,
                       [](const CharacterRange& each, std::uint32_t c) { return each.last < c; });
  return range != std::end(unseen_characters) && range->first <= character;
}

}  // namespace mailorigin
